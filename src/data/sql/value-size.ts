/** How large a value an expression asks for by the numbers in it. */
import type { SqlNode } from './allowed.ts';

/** Functions that make much of little: DuckDB's memory limit does not hold within the computation of one value. */
const ENLARGING_FUNCTIONS = /^(range|generate_series|repeat|lpad|rpad|list_resize|array_resize|bar)$/;

/** How large a value the numbers in an expression ask for: 1 but for the functions that enlarge. */
export function valuesOf(node: unknown): number {
  if (node === null || typeof node !== 'object') return 1;
  const parts = Object.values(node);
  const { class: kind, function_name: name } = node as SqlNode;
  const inner = parts.map(valuesOf);
  // A lambda runs once for each entry of the list next to it.
  if (Array.isArray(node)) {
    const isMany = parts.some((part) => (part as SqlNode | null)?.class === 'LAMBDA');
    return isMany ? inner.reduce((product, n) => product * n, 1) : Math.max(1, ...inner);
  }
  const largest = Math.max(1, ...inner);
  if (kind !== 'FUNCTION' || !ENLARGING_FUNCTIONS.test(String(name).toLowerCase())) return largest;
  return largest * Math.max(1, ...numbersIn((node as SqlNode).children));
}

/** The numbers among the arguments of a function, whatever their signs and types. */
function numbersIn(children: unknown): number[] {
  return (children as SqlNode[]).flatMap((child): number[] => {
    if (child.class === 'CAST') return numbersIn([child.child]);
    if (child.class === 'FUNCTION' && ['-', '+', '*'].includes(String(child.function_name))) {
      const parts = numbersIn(child.children);
      return child.function_name === '*' ? [parts.reduce((product, n) => product * n, 1)] : parts;
    }
    const value = child.class === 'CONSTANT' ? (child.value as { value?: unknown }).value : undefined;
    // Decimals and large integers come as objects or texts.
    if (typeof value === 'object' && value !== null) return [Number.POSITIVE_INFINITY];
    return typeof value === 'number' && Number.isFinite(value) ? [Math.abs(value)] : [];
  });
}
