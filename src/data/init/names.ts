/** Names for what a configuration names, made of what files and columns are called: readable, valid, each one once. */
import { isName } from '../../config/dataset.ts';

/** Gives out names; none twice, whatever their case. */
export interface Namer {
  /**
   * A name like `text`. Of a text without a Latin letter or digit nothing readable is left: then `fallback`. A name that is
   * taken gets a number: `user_id_2`.
   */
  name(text: string, fallback: string): string;
  /** Keeps `text` for what is called exactly so. False where it is no name, or taken. */
  reserve(text: string): boolean;
}

export function createNamer(isAllowed: (name: string) => boolean = isName): Namer {
  const taken = new Set<string>();
  const take = (text: string): boolean => {
    if (!isAllowed(text) || taken.has(text.toLowerCase())) return false;
    taken.add(text.toLowerCase());
    return true;
  };
  return {
    reserve: take,
    name(text, fallback) {
      const plain = plainName(text) ?? fallback;
      if (take(plain)) return plain;
      for (let i = 2; ; i++) if (take(`${plain}_${i}`)) return `${plain}_${i}`;
    },
  };
}

/** Letters lose their accents, everything else that a name cannot have becomes an underscore; undefined where no letter or digit is left. */
function plainName(text: string): string | undefined {
  const latin = text.normalize('NFKD').replace(/\p{M}/gu, '');
  const name = latin.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+(?=[A-Za-z])|_+$/g, '');
  // Of a text in another script a digit alone says too little.
  if (!(/\p{L}/u.test(latin) ? /[A-Za-z]/ : /[0-9]/).test(name)) return undefined;
  return /^\d/.test(name) ? `_${name}` : name;
}

/** Is it a name that every field may have, whatever else there is? */
export const isFieldName = (text: string): boolean =>
  isName(text) && !/^(id|fields|sequences|con|prn|aux|nul|com\d|lpt\d)$/i.test(text);
