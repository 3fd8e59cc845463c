/** The type that keeps all values of some types apart, as far as it follows from the types. */

export const INTEGER = /^(U?)(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;

export const FLOATING = /^(FLOAT|DOUBLE)$/;

export const DECIMAL = /^DECIMAL\(/;

const SCALAR = /^(VARCHAR|BOOLEAN|DATE|TIME.*|UUID|ENUM\(.*\)|JSON)$/s;

const WIDTHS = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT'];

/** The common type that follows from the types alone. */
export function commonOf(types: string[]): string | undefined {
  if (types.length < 2) return types[0];
  if (types.every((type) => INTEGER.test(type))) {
    const width = (type: string): number => WIDTHS.indexOf(type.replace(/^U/, ''));
    const unsigned = types.filter((type) => type.startsWith('U'));
    const widest = Math.max(...types.map(width));
    if (unsigned.length === types.length) return `U${WIDTHS[widest]}`;
    // An unsigned type fits the next signed one.
    const needed = Math.max(widest, ...unsigned.map((type) => width(type) + 1));
    return WIDTHS[needed];
  }
  // Integers of 32 bits are exact in a DOUBLE.
  const isExact = (type: string): boolean =>
    FLOATING.test(type) || DECIMAL.test(type) || /^U?(TINY|SMALL)?INT(EGER)?$/.test(type);
  if (types.every(isExact)) return 'DOUBLE';
  if (types.every((type) => /^(DATE|TIMESTAMP(_NS|_MS|_S)?)$/.test(type)))
    return types.includes('TIMESTAMP_NS') ? 'TIMESTAMP_NS' : 'TIMESTAMP';
  const isScalar = (type: string): boolean =>
    SCALAR.test(type) || INTEGER.test(type) || FLOATING.test(type) || DECIMAL.test(type);
  if (
    types.some((type) => /^(VARCHAR|ENUM)/.test(type)) &&
    types.every((type) => !type.endsWith('[]') && isScalar(type))
  )
    return 'VARCHAR';
  if (types.every((type) => type.endsWith('[]'))) {
    const element = commonOf(types.map((type) => type.slice(0, -2)));
    return element === undefined || element.endsWith('[]') ? undefined : `${element}[]`;
  }
  return undefined;
}
