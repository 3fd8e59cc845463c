/** Which lines of a log are events of a unit: its impressions, and what was done with the items of their answers. */
import { withoutHalves } from './line.ts';

export interface OwnEvents {
  /** Notes the request of a line if it is an impression of the unit: first of all lines. */
  noteRequest(line: string): void;
  isOwn(line: string): boolean;
}

export function ownEvents(given: string): OwnEvents {
  const unit = withoutHalves(given);
  const requests = new Set<string>();
  return {
    noteRequest(line) {
      const { kind, unit: own, request_id } = fieldsOf(line);
      if (kind === 'impression' && own === unit && request_id !== undefined) requests.add(request_id);
    },
    isOwn(line) {
      const { kind, unit: own, request_id } = fieldsOf(line);
      return kind === 'impression' ? own === unit : request_id !== undefined && requests.has(request_id);
    },
  };
}

interface Fields {
  kind?: string;
  unit?: string | null;
  request_id?: string;
}

function fieldsOf(line: string): Fields {
  try {
    return JSON.parse(line) as Fields;
  } catch {
    return {}; // a damaged line is nobody's
  }
}
