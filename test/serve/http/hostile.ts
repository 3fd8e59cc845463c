/** Bodies of 8 MiB, the default limit, made to cost as much as they can. */

const bytes = 8 * 1024 * 1024 - 100;
/** As many parts as a body takes. */
function filled(part: (i: number) => string, most = bytes - 300): string {
  const parts: string[] = [];
  for (let i = 0, size = 0; size < most; i++) {
    parts.push(part(i));
    size += parts[i].length + 1;
  }
  return parts.join(',');
}
const items = (list: string): string => `{"scenario":"home","items":[${list}]}`;
const values = (list: string): string => `{"scenario":"home","user":{${list}},"items":[{"id":1}]}`;
const tensors = (list: string): string => `{"inputs":[${list}]}`;

/** 8 MiB each, made to cost as much as they can. */
export const HOSTILE: Record<string, () => string> = {
  'unknown properties': () => `{${filled((i) => `"k${i.toString(36)}":1`)}}`,
  'unknown fields of the user': () => values(filled((i) => `"k${i.toString(36)}":1`)),
  'one name again and again': () => values(filled(() => '"user":1')),
  'names that are numbers': () => values(filled((i) => `"${i}":1`)),
  'long names': () => values(filled((i) => `"${'n'.repeat(200)}${i}":1`)),
  'one long name': () => values(`"${'n'.repeat(bytes - 100)}":1`),
  'one long text': () => values(`"tags":"${'x'.repeat(bytes - 100)}"`),
  'one long text of parts': () => values(`"tags":"${'|'.repeat(bytes - 100)}"`),
  'a long text for a number': () => values(`"age":"${'1'.repeat(bytes - 100)}x"`),
  'a long list': () => values(`"tags":[${filled((i) => `"t${i}"`)}]`),
  'a list of nothing': () => values(`"tags":[${filled(() => 'null')}]`),
  'items without anything': () => items(filled(() => '{}')),
  'items with an unknown field each': () => items(filled((i) => `{"id":${i},"k${i.toString(36)}":1}`)),
  '10,000 items with an unknown field each': () =>
    items(Array.from({ length: 10_000 }, (_, i) => `{"id":${i},"k${i}":"${'x'.repeat(700)}"}`).join(',')),
  'items that are lists': () => items(filled(() => '[]')),
  'lists in lists': () => items('['.repeat(bytes / 2) + ']'.repeat(bytes / 2 - 100)),
  'objects in objects': () => items('{"a":'.repeat(bytes / 6) + 1 + '}'.repeat(bytes / 6 - 100)),
  'numbers of many digits': () => values(`"age":${'9'.repeat(bytes - 100)}`),
  'bent numbers': () => values(`"tags":[${filled(() => '100000000000000000000e-20')}]`),
  escapes: () => values(`"user":"${'\\u0041'.repeat((bytes - 100) / 6)}"`),
  'tensors without anything': () => tensors(filled(() => '{}')),
  'tensors with unknown properties': () =>
    tensors(Array.from({ length: 1000 }, (_, i) => `{${filled((k) => `"k${k}":${i}`, 8000)}}`).join(',')),
  'a shape of many sizes': () =>
    tensors(`{"name":"ids","datatype":"INT32","shape":[${filled(() => '"x"')}],"data":[]}`),
  'a tensor of many lists': () =>
    tensors(`{"name":"ids","datatype":"INT32","shape":[1,8],"data":[${filled(() => '[]')}]}`),
  'a tensor of many numbers': () =>
    tensors(`{"name":"ids","datatype":"INT32","shape":[1,8],"data":[${filled(() => '1')}]}`),
  'one output again and again': () =>
    `{"inputs":[{"name":"scenario","datatype":"BYTES","shape":[1],"data":["home"]}],"outputs":[${filled(() => '{"name":"logits"}')}]}`,
};
