import { expect, test } from 'vitest';
import { createNamer, isFieldName } from '../../../src/data/init/names.ts';

const named = (texts: string[]): string[] => {
  const namer = createNamer(isFieldName);
  return texts.map((text, i) => namer.name(text, `column_${i + 1}`));
};

test.each<[string[], string[]]>([
  [
    ['user id', 'user.id', 'user-id'],
    ['user_id', 'user_id_2', 'user_id_3'],
  ],
  [
    ['用户', '商品', '类目2', 'имя'],
    ['column_1', 'column_2', 'column_3', 'column_4'],
  ],
  [
    ['Item', 'item', 'ITEM'],
    ['Item', 'item_2', 'ITEM_3'],
  ],
  [
    ['prénom', 'größe', 'ｆｕｌｌ'],
    ['prenom', 'gro_e', 'full'],
  ],
  [
    ['a', 'a_2', 'A', 'a'],
    ['a', 'a_2', 'A_3', 'a_4'],
  ],
  [
    ['2024', '1st price', '_x', '__', ''],
    ['_2024', '_1st_price', 'x', 'column_4', 'column_5'],
  ],
  [
    ['__proto__', 'con', 'AUX', 'id'],
    ['proto', 'con_2', 'AUX_2', 'id_2'],
  ],
  [
    ['constructor', 'select', 'order'],
    ['constructor', 'select', 'order'],
  ],
])('%j', (texts, names) => {
  expect(named(texts)).toEqual(names);
});
