/** Names in an artifact. */
export const MANIFEST = 'manifest.json';

/** A path inside an artifact: plain names, at most one folder deep, never upwards. */
export const INSIDE = /^(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*\/)?[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

/** Name of a model in requests. */
export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

export const vocabularyPath = (field: string): string => `vocabularies/${field}.json`;

export const rateTablePath = (field: string): string => `vocabularies/${field}.rates.json`;

/** Reserved ids of every field: padding and out of vocabulary. */
export const RESERVED_IDS = 2;
