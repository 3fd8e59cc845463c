/** Names in an artifact. */
export const MANIFEST = 'manifest.json';

/** A path inside an artifact: plain names, one folder deep at most, never upwards. */
export const INSIDE = /^(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*\/)?[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

/** What requests call a model. */
export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

export const vocabularyPath = (field: string): string => `vocabularies/${field}.json`;

/** Ids of every field that stand for no token: padding, and out of vocabulary. */
export const RESERVED_IDS = 2;
