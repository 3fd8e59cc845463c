/**
 * Files of exactly the layout in which KuaiRand is published, every column there, filled by chance from a seed. Run by
 * itself it writes KuaiRand-Pure: `node_modules/.bin/jiti test/data/recipes/kuairand-files.ts FOLDER ROWS`.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, execute, openDuckDB } from '../../../src/data/sql/duckdb.ts';
import { literal } from '../../../src/data/sql/text.ts';
import { EVERYWHERE } from '../support.ts';

export interface KuaiRandFiles {
  /** Ends the files' names; `27k` has its logs in two parts and its statistics in three. */
  suffix: 'pure' | '1k' | '27k';
  /** Of the three logs together. */
  rows: number;
  users: number;
  videos: number;
}

/** The published tables of KuaiRand-Pure have this many lines. */
export const [USERS, VIDEOS] = [27_285, 7_583];

/** Column -> SQL of its value in line `i`. */
type Columns = Record<string, string>;

/** A whole number below `n`, by chance; `salt` keeps columns apart. */
const below = (n: number, salt: string): string => `(hash(i, ${literal(salt)}) % ${n})::BIGINT`;
const oneOf = (values: string[], salt: string): string =>
  `([${values.map(literal).join(', ')}])[1 + ${below(values.length, salt)}]`;
const flag = (salt: string, share: number): string => `(${below(1000, salt)} < ${1000 * share})::INTEGER`;
/** A positive number over some orders of magnitude, mostly small. */
const skewed = (salt: string, most: number): string => `exp(${below(100_000, salt)} / 1e5 * ln(${most})) - 1`;
/** pandas writes whole numbers with missing ones among them as 3.0. */
const missingIn = (share: number, salt: string, value: string): string =>
  `CASE WHEN ${below(1000, `${salt} missing`)} >= ${1000 * share} THEN (${value})::DOUBLE END`;

/** Fewer rows for later ids: some users and videos are much more frequent than others. */
const popular = (n: number, salt: string): string => `floor(${n} * pow(${below(100_000, salt)} / 1e5, 2))::BIGINT`;

const log = ({ users, videos }: KuaiRandFiles, first: number, isRandom: boolean): Columns => ({
  user_id: popular(users, `user ${first}`),
  video_id: popular(videos, `video ${first}`),
  date: `20220408 + ${below(14, `day ${first}`)}`,
  hourmin: `100 * ${below(24, `hour ${first}`)}`,
  time_ms: `1649347200000 + ${first} * 1000 + ${below(86_400_000, `time ${first}`)}`,
  is_click: flag(`click ${first}`, 0.4),
  is_like: flag(`like ${first}`, 0.02),
  is_follow: flag(`follow ${first}`, 0.002),
  is_comment: flag(`comment ${first}`, 0.003),
  is_forward: flag(`forward ${first}`, 0.001),
  is_hate: flag(`hate ${first}`, 0.001),
  long_view: flag(`view ${first}`, 0.25),
  play_time_ms: below(200_000, `play ${first}`),
  duration_ms: below(200_000, `duration ${first}`),
  profile_stay_time: '0',
  comment_stay_time: '0',
  is_profile_enter: flag(`profile ${first}`, 0.005),
  is_rand: isRandom ? '1' : '0',
  tab: oneOf(['1', '1', '1', '1', '1', '0', '0', '4', '4', '2', '6', '14'], `tab ${first}`),
});

const CATEGORIES_OF_ONE_HOT = [2, 7, 50, 1471, 15, 34, 3, 118, 454, 7, 5, 5, 2, 2, 2, 2, 2, 2];

const users = (): Columns => ({
  user_id: 'i',
  user_active_degree: oneOf(['full_active', 'high_active', 'middle_active', 'UNKNOWN'], 'degree'),
  is_lowactive_period: '0',
  is_live_streamer: `([1, -124])[1 + ${below(2, 'streamer')}]`,
  is_video_author: flag('author', 0.8),
  follow_user_num: `round(${skewed('follow', 3000)})::BIGINT`,
  follow_user_num_range: oneOf(['0', '(0,10]', '(10,50]', '500+'], 'follow range'),
  fans_user_num: `round(${skewed('fans', 90_000)})::BIGINT`,
  fans_user_num_range: oneOf(['0', '[1,10)', '[100,1k)', '[1w,10w)'], 'fans range'),
  friend_user_num: `round(${skewed('friends', 1000)})::BIGINT`,
  friend_user_num_range: oneOf(['0', '[1,5)', '[5,30)', '250+'], 'friends range'),
  register_days: below(3000, 'days'),
  register_days_range: oneOf(['15-30', '31-60', '366-730', '730+'], 'days range'),
  ...Object.fromEntries(
    CATEGORIES_OF_ONE_HOT.map((n, f) => {
      const value = below(n, `feature ${f}`);
      return [`onehot_feat${f}`, f === 4 || f > 11 ? missingIn(0.03, `feature ${f}`, value) : value];
    }),
  ),
});

const videos = (): Columns => ({
  video_id: 'i',
  author_id: below(8_839_734, 'author of video'),
  video_type: oneOf(['NORMAL', 'NORMAL', 'NORMAL', 'AD', 'UNKNOWN'], 'type'),
  upload_dt: oneOf(['2022-04-09', '2022-04-10', '2022-04-11'], 'upload date'),
  upload_type: oneOf(['LongImport', 'ShortImport', 'Web', 'Kmovie', 'LongCamera'], 'upload type'),
  visible_status: '0.0::DOUBLE',
  video_duration: missingIn(0.03, 'length', `1000 + ${below(300_000, 'length')}`),
  server_width: `([720.0, 1280.0, 540.0])[1 + ${below(3, 'width')}]::DOUBLE`,
  server_height: `([1280.0, 720.0, 960.0])[1 + ${below(3, 'height')}]::DOUBLE`,
  music_id: `${below(90_000, 'music')} * 100000`,
  music_type: missingIn(0.03, 'music type', `([9, 4, 8, 7])[1 + ${below(4, 'music type')}]`),
  tag: oneOf(['39', '3', '12,65', '9', ''], 'tag'),
});

const STATISTICS =
  'show_cnt show_user_num play_cnt play_user_num play_duration complete_play_cnt complete_play_user_num valid_play_cnt valid_play_user_num long_time_play_cnt long_time_play_user_num short_time_play_cnt short_time_play_user_num play_progress comment_stay_duration like_cnt like_user_num click_like_cnt double_click_cnt cancel_like_cnt cancel_like_user_num comment_cnt comment_user_num direct_comment_cnt reply_comment_cnt delete_comment_cnt delete_comment_user_num comment_like_cnt comment_like_user_num follow_cnt follow_user_num cancel_follow_cnt cancel_follow_user_num share_cnt share_user_num download_cnt download_user_num report_cnt report_user_num reduce_similar_cnt reduce_similar_user_num collect_cnt collect_user_num cancel_collect_cnt cancel_collect_user_num direct_comment_user_num reply_comment_user_num share_all_cnt share_all_user_num outsite_share_all_cnt'.split(
    ' ',
  );

const statistics = (): Columns => ({
  video_id: 'i',
  counts: `1 + ${below(500, 'counts')}`,
  ...Object.fromEntries(STATISTICS.map((name) => [name, skewed(name, name.endsWith('duration') ? 1e7 : 2000)])),
});

/** Writes all files of a version into `folder`. */
export async function writeKuaiRand(folder: string, files: KuaiRandFiles): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const database = await openDuckDB(EVERYWHERE);
  const write = (name: string, lines: number, columns: Columns, parts = 1) =>
    writeTable(database, folder, `${name}_${files.suffix}`, lines, columns, parts);
  try {
    const parts = files.suffix === '27k' ? 2 : 1;
    // Shares of the rows as in KuaiRand-Pure.
    const [late, early] = [Math.round(0.12 * files.rows), Math.round(0.43 * files.rows)];
    await write('log_standard_4_22_to_5_08', late, log(files, 0, false), parts);
    await write('log_standard_4_08_to_4_21', early, log(files, late, false), parts);
    await write('log_random_4_22_to_5_08', files.rows - late - early, log(files, late + early, true));
    await write('user_features', files.users, users());
    await write('video_features_basic', files.videos, videos());
    // The last video has no statistics.
    await write('video_features_statistic', files.videos - 1, statistics(), files.suffix === '27k' ? 3 : 1);
  } finally {
    database.close();
  }
}

/** Writes lines 0 .. lines-1 as `name.csv`, or cut into `name_part1.csv` and so on. */
async function writeTable(
  { connection }: Database,
  folder: string,
  name: string,
  lines: number,
  columns: Columns,
  parts: number,
): Promise<void> {
  const select = Object.entries(columns).map(([column, sql]) => `${sql} AS ${column}`);
  for (let part = 0; part < parts; part++) {
    const [from, to] = [part, part + 1].map((p) => Math.round((p * lines) / parts));
    const path = join(folder, parts === 1 ? `${name}.csv` : `${name}_part${part + 1}.csv`);
    const rows = `SELECT ${select.join(', ')} FROM range(${from}, ${to}) AS t(i)`;
    await execute(connection, `COPY (${rows}) TO ${literal(path)} (FORMAT csv, HEADER)`, `writing ${path}`);
  }
}

if (process.argv[1] === import.meta.filename)
  await writeKuaiRand(process.argv[2], { suffix: 'pure', rows: Number(process.argv[3]), users: USERS, videos: VIDEOS });
