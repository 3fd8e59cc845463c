/** Names of the columns of an encoded file; their first parts keep fields, tasks and sequences apart from the rest. */

export const fieldColumn = (name: string): string => `field_${name}`;
export const labelColumn = (name: string): string => `label_${name}`;

/** Name of a type's column in an encoded file, and in a file to be scored. */
export const sequenceColumn = (type: string): string => `sequence_${type}`;
