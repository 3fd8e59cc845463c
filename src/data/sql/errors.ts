/** DuckDB's errors as those of the catalogue. */
import { error, TributaryError } from '../../base/errors/index.ts';

/** The catalogue's error for one of DuckDB's; keeps file, line and the reason, drops advice about DuckDB options. */
export function duckdbError(cause: unknown, doing: string): unknown {
  if (cause instanceof TributaryError || !(cause instanceof Error)) return cause;
  const message = cause.message;
  const path = /^\s*file = (.*)$/m.exec(message)?.[1] ?? /[Ff]ile "?'?([^"'\n]+)['"]/.exec(message)?.[1] ?? '';
  if (/No space left on device|max_temp_directory_size|Disk quota exceeded/i.test(message))
    return error('DISK_FULL', { path: path || doing }, cause);
  if (/Permission denied|Read-only file system/.test(message))
    return error('FILE_UNWRITABLE', { path: path || doing, reason: firstLine(message) }, cause);
  if (/operations are disabled by|disabled through configuration|configuration has been locked/.test(message))
    return error('DATA_ACCESS_REFUSED', { doing, path: /(?:file|directory) "([^"]*)"/.exec(message)?.[1] }, cause);
  if (/^INTERRUPT Error/.test(message)) return error('DATA_MEMORY', { doing, memoryLimit: 'twice the limit' }, cause);
  if (/^Out of Memory|could not allocate|failed to allocate/i.test(message)) {
    const memoryLimit = /([\d.]+ [KMGT]iB)\/([\d.]+ [KMGT]iB) used/.exec(message)?.[2] ?? 'the limit';
    return error('DATA_MEMORY', { doing, memoryLimit }, cause);
  }
  if (/CSV Error|Error when sniffing file|CSV Parser|CSV file/i.test(message)) return csvError(cause, path || doing);
  if (/is not (latin-1|utf-8|utf-16|\S+) encoded/.test(message))
    return error('DATA_CSV_INVALID', { path: path || doing, reason: firstLine(message) }, cause);
  if (/JSON in file|Malformed JSON|JSON transform error/.test(message))
    return error(
      'DATA_FILE_DAMAGED',
      {
        path,
        format: 'JSON lines',
        reason: firstLine(message).replace(/^(Malformed JSON|JSON transform error) in file "[^"]*", /, ''),
      },
      cause,
    );
  if (/parquet|magic bytes|Failed to read file|ZSTD_|Snappy|TProtocol|thrift/i.test(message))
    return error('DATA_FILE_DAMAGED', { path: path || doing, format: 'Parquet', reason: firstLine(message) }, cause);
  return error('DATA_FAILED', { doing, reason: firstLine(message) }, cause);
}

function csvError(cause: Error, path: string): TributaryError {
  const message = cause.message;
  if (/was not possible to automatically detect/.test(message))
    return error(
      'DATA_CSV_INVALID',
      { path, reason: 'no delimiter and quotes give all lines equally many values' },
      cause,
    );
  if (/reached an invalid state/.test(message))
    return error(
      'DATA_CSV_INVALID',
      { path, reason: 'its lines end in different ways, or a quote stands within a value without quotes' },
      cause,
    );
  const line = Number(/CSV Error on Line: (\d+)/.exec(message)?.[1]);
  const columns = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message);
  const text = /Original Line: (.*)/.exec(message)?.[1] ?? '';
  if (columns) {
    const delimiter = /^\s*delimiter = (.*?) \((?:Set By User|Auto-Detected)\)$/m.exec(message)?.[1] ?? ',';
    return error(
      'DATA_CSV_ROW',
      { path, line, expected: Number(columns[1]), found: Number(columns[2]), delimiter, text: text.slice(0, 200) },
      cause,
    );
  }
  if (/Invalid unicode/.test(message)) return error('DATA_ENCODING', { path, line, expected: 'UTF-8' }, cause);
  const reason = message
    .split('\n')
    .slice(1)
    .find((l) => l.trim() !== '' && !l.startsWith('Original Line'));
  return error(
    'DATA_CSV_INVALID',
    { path, line: Number.isNaN(line) ? undefined : line, reason: reason?.trim().replace(/\.$/, '') ?? 'malformed' },
    cause,
  );
}

/** DuckDB's reason without the kind of error before it and the query after it. */
function firstLine(message: string): string {
  const lines = message.split('\n').filter((l) => l.trim() !== '');
  return lines[0].replace(/^[A-Z][A-Za-z ]* Error: /, '').replace(/\.$/, '');
}
