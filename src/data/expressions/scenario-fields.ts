/** Fields that say no more than the scenario of a row: a request that names its scenario has given them. */
import type { DatasetConfig, FieldConfig } from '../../config/dataset.ts';
import { fieldExpression } from './places.ts';

/** Which fields those are, and the text of their values for each scenario, in the order of the scenarios. */
interface ScenarioFields {
  names: string[];
  values: string[];
}

/** Undefined where the configuration has no such field. A categorical field's token is the text that scenarios go by. */
export function scenarioFields({ fields, scenario }: DatasetConfig): ScenarioFields | undefined {
  const wanted = plain(scenario.expression);
  const isScenario = (field: FieldConfig): boolean =>
    field.kind === 'categorical' && plain(fieldExpression(field)) === wanted;
  const names = fields.filter(isScenario).map(({ name }) => name);
  return names.length === 0 ? undefined : { names, values: scenario.values.map(String) };
}

/** Quotes and letter case of a plain column name do not matter; other expressions must be written alike. */
function plain(sql: string): string {
  const text = sql.trim();
  return /^(?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))*$/.test(text) ? text.replaceAll('"', '').toLowerCase() : text;
}
