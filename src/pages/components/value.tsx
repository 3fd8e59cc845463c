/** Numbers and names of a page: looked up by their path in its data, which they carry as an attribute. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { type Format, formatted } from '../format.ts';
import type { Page } from '../page.ts';

export const PageContext = createContext<Page | null>(null);

export type Path = readonly (string | number)[];

/** A JSON pointer (RFC 6901). */
export const pointer = (path: Path): string =>
  path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

export function lookUp(page: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<string | number, unknown> | null | undefined)?.[key],
    page,
  );
}

/** A number of the page's data; a dash where it is null. `why`: the reason for a dash. */
export function Num({ at, as, why }: { at: Path; as: Format; why?: string }) {
  const value = lookUp(useContext(PageContext), at);
  if (typeof value !== 'number' && value !== null) throw new Error(`no number at ${pointer(at)}`);
  return (
    <span class="num" data-path={pointer(at)} data-as={as} title={value === null ? why : String(value)}>
      {formatted(value, as)}
    </span>
  );
}
/** An interval: "0.7912 to 0.8034"; a dash where it has no ends yet. */
export function Interval({
  at,
  as,
  low = 'low',
  high = 'high',
}: {
  at: Path;
  as: Format;
  low?: string;
  high?: string;
}) {
  const ends = lookUp(useContext(PageContext), at) as Record<string, number | null>;
  if (ends[low] === null && ends[high] === null) return <>–</>;
  return (
    <span class="interval">
      <Num at={[...at, low]} as={as} /> to <Num at={[...at, high]} as={as} />
    </span>
  );
}

/** An estimate, with the sign of its interval before it and the interval below. `value`: what its number is called. */
export function Estimate({
  at,
  as = 'signed',
  value = 'value',
  hasSign = true,
}: {
  at: Path;
  as?: Format;
  value?: string;
  hasSign?: boolean;
}) {
  return (
    <>
      {hasSign && (
        <>
          <Sign at={at} />{' '}
        </>
      )}
      <Num at={[...at, value]} as={as} />
      <small>
        <Interval at={at} as={as} />
      </small>
    </>
  );
}

/** ▲ above 0, ▼ below 0, ◇ not decided, by an interval. */
export function Sign({ at }: { at: Path }) {
  const { low, high } = lookUp(useContext(PageContext), at) as { low: number; high: number };
  if (low > 0) return <span class="good">▲</span>;
  if (high < 0) return <span class="bad">▼</span>;
  return <span class="open">◇</span>;
}
