/**
 * KuaiRand as the authors of AutoIFS prepare its version Pure: logs and tables joined to 89 fields, three of the app's
 * tabs as scenarios. The versions 1K and 27K have the same columns in larger files, 27K in several parts.
 *
 * Gao et al., "KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed Videos", CIKM 2022.
 */
import { z } from 'zod';
import type { DatasetInput } from '../../config/dataset.ts';
import { defineRecipe, type Recipe, type RecipeFile, randomOrTime } from './recipe.ts';

type FieldInput = DatasetInput['fields'][number];
type Buckets = Extract<FieldInput, { kind: 'numeric' }>['buckets'];

interface Version {
  /** Ends the recipe's key and the names of the files. */
  suffix: string;
  title: string;
  archive: string;
  /** In the authors' order, which the split depends on. */
  logs: RecipeFile[];
  users: RecipeFile;
  videos: RecipeFile;
  statistics: RecipeFile[];
}

const words = (text: string): string[] => text.trim().split(/\s+/);

const USER_CATEGORIES = words(`
  user_active_degree is_lowactive_period is_live_streamer is_video_author follow_user_num_range fans_user_num_range
  friend_user_num_range register_days_range onehot_feat0 onehot_feat1 onehot_feat2 onehot_feat3 onehot_feat4
  onehot_feat5 onehot_feat6 onehot_feat7 onehot_feat8 onehot_feat9 onehot_feat10 onehot_feat11 onehot_feat12
  onehot_feat13 onehot_feat14 onehot_feat15 onehot_feat16 onehot_feat17`);
const USER_NUMBERS = words('follow_user_num fans_user_num friend_user_num register_days');
const VIDEO_CATEGORIES = words('video_type upload_type music_type');
const VIDEO_NUMBERS = words('video_duration server_width server_height');
/** Averages per day and tab over the whole month of the logs. */
const VIDEO_STATISTICS = words(`
  show_cnt show_user_num play_cnt play_user_num play_duration complete_play_cnt complete_play_user_num valid_play_cnt
  valid_play_user_num long_time_play_cnt long_time_play_user_num short_time_play_cnt short_time_play_user_num
  play_progress comment_stay_duration like_cnt like_user_num click_like_cnt double_click_cnt cancel_like_cnt
  cancel_like_user_num comment_cnt comment_user_num direct_comment_cnt reply_comment_cnt delete_comment_cnt
  delete_comment_user_num comment_like_cnt comment_like_user_num follow_cnt follow_user_num cancel_follow_cnt
  cancel_follow_user_num share_cnt share_user_num download_cnt download_user_num report_cnt report_user_num
  reduce_similar_cnt reduce_similar_user_num collect_cnt collect_user_num cancel_collect_cnt cancel_collect_user_num
  direct_comment_user_num reply_comment_user_num share_all_cnt share_all_user_num outsite_share_all_cnt`);

const TABS = 'tab IN (0, 1, 4)';
/** Index of the scenario among these tabs. */
const SCENARIO = 'CASE tab WHEN 0 THEN 0 WHEN 1 THEN 1 WHEN 4 THEN 2 END';

const LEAK =
  'The statistics of a video are averages over the whole month of the logs, validation and test rows included: results ' +
  'are better than they could be in use. statistics=none leaves these fields out.';

const options = z.strictObject({
  /** `random` as the authors; `time` trains on the earliest 80 %. */
  split: z.enum(['random', 'time']).default('random'),
  /** Rows that vocabularies are taken from: `all` as the authors, which lets test tokens in. */
  vocabulary: z.enum(['all', 'train']).default('all'),
  /** Of numbers: `logSquare` as the authors, or 20 `quantiles`, which keep the order of the values. */
  buckets: z.enum(['logSquare', 'quantiles']).default('logSquare'),
  /** `all` 50 statistics of a video as the authors, or `none`, as they leak. */
  statistics: z.enum(['all', 'none']).default('all'),
});

/** Missing values are 0, as a text or number like the column; so are those of users and videos without a line. */
const categorical = (source: string, column: string): FieldInput => ({
  kind: 'categorical',
  name: column,
  expression: `coalesce(${source}.${column}, '0')`,
});

const numeric =
  (source: string, buckets: Buckets, prefix = '') =>
  (column: string): FieldInput => ({
    kind: 'numeric',
    name: `${prefix}${column}`,
    expression: `coalesce(${source}.${column}::DOUBLE, 0)`,
    buckets,
  });

const paths = (files: RecipeFile[]): string[] => files.map(({ path }) => path);

function kuairand({ suffix, title, archive, logs, users, videos, statistics }: Version): Recipe {
  const table = (...files: RecipeFile[]) => ({ path: paths(files), delimiter: ',', quote: '"', header: true });
  return defineRecipe({
    key: `kuairand-${suffix}`,
    title: `${title}: tasks is_click and long_view, scenarios tab 0, 1 and 4`,
    where: `https://zenodo.org/records/10439422/files/${archive}, folder data; described at https://kuairand.com`,
    licence: 'CC BY-SA 4.0; cite Gao et al. 2022',
    files: [...logs, users, videos, ...statistics],
    options,
    config(_folder, { split, vocabulary, buckets: kind, statistics: kept }): DatasetInput {
      const buckets: Buckets = kind === 'quantiles' ? { quantiles: 20 } : kind;
      const withStatistics = kept === 'all';
      return {
        name: `kuairand-${suffix}`,
        ...(withStatistics ? { notes: [LEAK] } : {}),
        from: 'log',
        sources: {
          log: table(...logs),
          users: table(users),
          videos: table(videos),
          ...(withStatistics ? { statistics: table(...statistics) } : {}),
        },
        joins: [
          { source: 'users', on: { user_id: 'user_id' } },
          { source: 'videos', on: { video_id: 'video_id' } },
          ...(withStatistics ? [{ source: 'statistics', on: { video_id: 'video_id' } }] : []),
        ],
        where: TABS,
        fields: [
          ...['user_id', ...USER_CATEGORIES].map((column) =>
            categorical(column === 'user_id' ? 'log' : 'users', column),
          ),
          ...USER_NUMBERS.map(numeric('users', buckets)),
          ...['video_id', ...VIDEO_CATEGORIES].map((column) =>
            categorical(column === 'video_id' ? 'log' : 'videos', column),
          ),
          ...VIDEO_NUMBERS.map(numeric('videos', buckets)),
          // A user and a video have a `follow_user_num` each.
          ...(withStatistics ? VIDEO_STATISTICS.map(numeric('statistics', buckets, 'video_')) : []),
          { kind: 'categorical', name: 'scenario', expression: SCENARIO },
        ],
        scenario: { expression: SCENARIO, values: [0, 1, 2], names: ['tab 0', 'tab 1', 'tab 4'] },
        tasks: [
          { name: 'is_click', label: 'is_click' },
          { name: 'long_view', label: 'long_view' },
        ],
        group: 'user_id',
        split: randomOrTime(split, 'time_ms'),
        vocabulary: { from: vocabulary, minCount: 2 },
      };
    },
  });
}

const STANDARD_LATE = 'standard recommendations of 22 April to 8 May';
const STANDARD_EARLY = 'standard recommendations of 8 to 21 April';
const RANDOM = 'randomly exposed videos, 22 April to 8 May';
const USERS = '30 features of users';
const VIDEOS = 'type, length, music and tags of videos';
const STATISTICS = 'average numbers of shows, plays, likes ... of videos';

const file = (path: string, content: string, bytes: number): RecipeFile => ({ path, content, bytes });
/** The sizes that the authors of KuaiRand give are in units of 1024. */
const [MIB, GIB] = [2 ** 20, 2 ** 30];

const pure = kuairand({
  suffix: 'pure',
  title: 'KuaiRand-Pure',
  archive: 'KuaiRand-Pure.tar.gz',
  logs: [
    file('log_standard_4_22_to_5_08_pure.csv', STANDARD_LATE, 21_765_075),
    file('log_standard_4_08_to_4_21_pure.csv', STANDARD_EARLY, 83_961_282),
    file('log_random_4_22_to_5_08_pure.csv', RANDOM, 87_086_116),
  ],
  users: file('user_features_pure.csv', USERS, 3_519_028),
  videos: file('video_features_basic_pure.csv', VIDEOS, 626_669),
  statistics: [file('video_features_statistic_pure.csv', STATISTICS, 6_559_217)],
});

const oneThousand = kuairand({
  suffix: '1k',
  title: 'KuaiRand-1K',
  archive: 'KuaiRand-1K.tar.gz',
  logs: [
    file('log_standard_4_22_to_5_08_1k.csv', STANDARD_LATE, 481 * MIB),
    file('log_standard_4_08_to_4_21_1k.csv', STANDARD_EARLY, 368 * MIB),
    file('log_random_4_22_to_5_08_1k.csv', RANDOM, 2.9 * MIB),
  ],
  users: file('user_features_1k.csv', USERS, 132 * 1024),
  videos: file('video_features_basic_1k.csv', VIDEOS, 368 * MIB),
  statistics: [file('video_features_statistic_1k.csv', STATISTICS, 3.1 * GIB)],
});

const whole = kuairand({
  suffix: '27k',
  title: 'KuaiRand-27K',
  archive: 'KuaiRand-27K.tar.gz',
  logs: [
    file('log_standard_4_22_to_5_08_27k_part1.csv', `${STANDARD_LATE}, first half`, 6.6 * GIB),
    file('log_standard_4_22_to_5_08_27k_part2.csv', `${STANDARD_LATE}, second half`, 6.6 * GIB),
    file('log_standard_4_08_to_4_21_27k_part1.csv', `${STANDARD_EARLY}, first half`, 4.8 * GIB),
    file('log_standard_4_08_to_4_21_27k_part2.csv', `${STANDARD_EARLY}, second half`, 4.8 * GIB),
    file('log_random_4_22_to_5_08_27k.csv', RANDOM, 83 * MIB),
  ],
  users: file('user_features_27k.csv', USERS, 3.4 * MIB),
  videos: file('video_features_basic_27k.csv', VIDEOS, 2.6 * GIB),
  statistics: [1, 2, 3].map((part) =>
    file(`video_features_statistic_27k_part${part}.csv`, `${STATISTICS}, part ${part}`, 6.7 * GIB),
  ),
});

/** The three versions, the smallest first. */
export const kuairandRecipes: Recipe[] = [pure, oneThousand, whole];
