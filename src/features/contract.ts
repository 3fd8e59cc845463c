/** Tables of features: what they are built from, and what is known of them once they are built. */
import type { ValueField } from '../config/dataset.ts';
import type { FeatureTableConfig } from '../config/features.ts';
import type { SourceColumn } from '../data/prepared/prepared.ts';

/** How preparation read the sources; part of an artifact's manifest. */
export interface Preparation {
  /** The source whose rows were the examples. */
  from: string;
  sources: Record<string, { columns: SourceColumn[]; nullValues: string[]; derive?: Record<string, string> }>;
  joins: { source: string; on: Record<string, string> }[];
}

/** What the tables of a model are built from: equal ones have equal tables. */
export interface FeatureModel {
  /** What errors call it. */
  label: string;
  preparation: Preparation;
  /** Fields of the model, with the slots that their ids take in a row. */
  fields: { config: ValueField; slots: number }[];
  /** By name. */
  tables: Record<string, FeatureTableConfig>;
  /** Fields that requests send. */
  sent: string[];
  /** What its tables were read from before. */
  before?: ReadFile[];
}

/** A table that was built. */
export interface BuiltTable {
  name: string;
  of: 'user' | 'item';
  /** Name of the id in a request. */
  sentAs: string;
  /** Its file (file.ts). */
  file: string;
  rows: number;
  /** Memory that it takes in a process, with the ids of the model. */
  bytes: number;
  /** Rows without an id, which nobody can ask for. */
  withoutId: number;
  /** Fields whose values are in the table. */
  fields: string[];
  /** Fields that are the id itself. */
  idFields: string[];
}

/** The tables of a model. */
export interface TableSet {
  /** Milliseconds since 1970. */
  built: number;
  /** What they were read from; a table that is not made of files adds nothing. */
  read: ReadFile[];
  tables: BuiltTable[];
}

/** A file that a table was read from, as it was then. */
export interface ReadFile {
  path: string;
  bytes: number;
  modified: number;
  inode: number;
}

export interface BuildRequest {
  models: FeatureModel[];
  /** Folder for the files of the tables. */
  folder: string;
  maxBytes: number;
}

export interface BuildReply {
  /** In the order of the models. */
  sets: TableSet[];
}
