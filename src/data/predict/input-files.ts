/** The files that the encoding of a raw file reads. */
import { join } from 'node:path';
import { rateFile, vocabularyFile } from '../prepared/manifest.ts';
import type { PreparedData } from '../prepared/prepared.ts';
import { type FoundFiles, findFiles, findSources } from '../sources/find.ts';
import { baseSource } from '../sources/source.ts';

/** The files that encoding reads. */
export interface InputFiles {
  input: string[];
  joined: FoundFiles;
  /** All of them: the input, the joined sources as far as they are there, and the vocabularies. */
  all: string[];
}

/** Finds the files that encoding reads. Throws DATA_FILES_MISSING where there is no input. */
export async function findInput({ manifest, folder }: PreparedData, path: string | string[]): Promise<InputFiles> {
  const { config, sourceFolder, fields } = manifest;
  const { [baseSource(config)]: base, ...others } = config.sources;
  const input = await findFiles(baseSource(config), { ...base, format: 'auto', path }, '.');
  const joined = await findSources(others, sourceFolder);
  const vocabularies = fields.flatMap(({ name, rates }) =>
    [vocabularyFile(name), ...(rates === undefined ? [] : [rateFile(name)])].map((file) => join(folder, file)),
  );
  return { input, joined, all: [...input, ...joined.all, ...vocabularies] };
}
