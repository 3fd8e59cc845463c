/** Types of PostgreSQL's columns, and what they are in Parquet. Values come as texts, so that no digit is lost on the way. */

/** A column of a query, as the server describes it. */
export interface ServerColumn {
  name: string;
  type: number;
  /** Of a numeric: its precision and scale; -1 if it has none. */
  modifier: number;
  /** Of an array: the type of its elements. */
  element?: number;
}

/** Numbers of types, which are the same in every server (pg_type.dat of its source). */
const TYPES: Record<number, string> = {
  16: 'BOOLEAN',
  17: 'BLOB',
  20: 'BIGINT',
  21: 'SMALLINT',
  23: 'INTEGER',
  26: 'BIGINT', // oid
  700: 'FLOAT',
  701: 'DOUBLE',
  1082: 'DATE',
  1083: 'TIME',
  1114: 'TIMESTAMP',
  1184: 'TIMESTAMPTZ',
  2950: 'UUID',
};

export const NUMERIC = 1700;

/** Digits in front of the point and behind it; undefined where a numeric says neither. */
export function digitsOf(modifier: number): { precision: number; scale: number } | undefined {
  if (modifier < 4) return undefined;
  const bits = modifier - 4;
  return { precision: (bits >> 16) & 0xffff, scale: ((bits & 0x7ff) ^ 1024) - 1024 };
}

/** What the values of a numeric without precision are like. */
export interface NumericRange {
  /** Of the longest value, digits in front of the point, and of any value those behind it. */
  whole: number;
  scale: number;
  /** Some value is NaN or infinite. */
  special: boolean;
}

/** Most digits of a DECIMAL; most that a double gives back as they were. */
const [MOST_DECIMAL, MOST_DOUBLE] = [38, 15];

/**
 * The type of a numeric in which every value stays what it is: a DECIMAL as declared; without a declaration a double where all
 * values have at most 15 digits, else a DECIMAL; text where none of these holds them.
 */
function numericType(modifier: number, range: NumericRange | undefined): string {
  const declared = digitsOf(modifier);
  const { whole = 0, scale = 0, special = false } = range ?? {};
  if (declared !== undefined && !special && declared.scale >= 0 && declared.precision <= MOST_DECIMAL)
    return `DECIMAL(${declared.precision}, ${declared.scale})`;
  if (range === undefined) return 'VARCHAR';
  if (whole + scale <= MOST_DOUBLE) return 'DOUBLE';
  return special || whole + scale > MOST_DECIMAL ? 'VARCHAR' : `DECIMAL(${MOST_DECIMAL}, ${scale})`;
}

/** DuckDB's type of a column's values, or of the elements of an array. Types that Parquet does not have are texts. */
export const typeOf = (type: number, modifier: number, range: NumericRange | undefined): string =>
  type === NUMERIC ? numericType(modifier, range) : (TYPES[type] ?? 'VARCHAR');

/** SQL of DuckDB that makes of a text what it stands for. An array is a JSON list of texts. */
export function valueSql(text: string, type: string, isArray: boolean): string {
  const list = `CAST(CAST(${text} AS JSON) AS VARCHAR[])`;
  if (type === 'BLOB')
    return isArray ? `list_transform(${list}, x -> unhex(substr(x, 3)))` : `unhex(substr(${text}, 3))`;
  return isArray ? `CAST(${list} AS ${type}[])` : `CAST(${text} AS ${type})`;
}
