/** Answers of the server extension, as docs/how-it-fits.md states them. */

export const PROJECT_ANSWER = {
  version: '0.1.0',
  project: 'weather',
  title: 'Weather of the coast',
  user: 'ada',
  role: 'data_owner',
  options: {
    allocation: 'fixed',
    executors: 2,
    min_executors: 1,
    max_executors: 2,
    executor_cores: 1,
    executor_memory_mib: 2048,
    driver_memory_mib: 1024,
    gpus_per_executor: 0,
    gpu_label: null,
    idle_timeout_minutes: 120
  },
  start_folder: 'Jupyter',
  members: [
    { user: 'ada', title: 'Ada Lovelace', role: 'data_owner' },
    { user: 'grace', title: 'Grace Hopper', role: 'data_scientist' }
  ],
  members_problem: null,
  datasets: [
    { name: 'Jupyter', description: 'Notebooks.' },
    { name: 'Resources', description: null }
  ],
  datasets_problem: null,
  links: { project: '/services/hops/projects/weather', projects: '/hub/home' }
};

export const SESSION_ANSWER = {
  id: 3,
  kind: 'pyspark',
  name: null,
  kernel: null,
  state: 'idle',
  reason: null,
  created: 1_800_000_000,
  idle_timeout_s: 7200,
  ends: null as number | null,
  resources: {
    executors: 2,
    executor_cores: 1,
    executor_memory_mib: 2048,
    driver_memory_mib: 1024,
    gpus_per_executor: 0,
    min_executors: null,
    max_executors: null
  }
};

export const OVERVIEW_ITEM_ANSWER = {
  id: 3,
  kind: 'pyspark',
  name: null,
  kernel: null,
  user: 'ada',
  own: true,
  state: 'idle',
  reason: null,
  app_id: 'local-1',
  created: 1_800_000_000,
  idle_since: 1_800_000_060,
  ends: 1_800_007_260.4 as number | null,
  statements: 4,
  waiting: 0,
  last_statement: {
    id: 3,
    state: 'available',
    status: 'ok',
    started: 1_800_000_050,
    completed: 1_800_000_060,
    line: 'days.count()'
  },
  resources: {
    executors: 2,
    executor_cores: 1,
    executor_memory_mib: 2048,
    driver_memory_mib: 1024,
    gpus_per_executor: 1,
    gpu_label: null as string | null,
    min_executors: null,
    max_executors: null
  },
  gpus: [0, 1],
  spark_ui: '/user/ada/weather/hops/session/3/ui/'
};

export const DATASETS_ANSWER = {
  items: [
    {
      name: 'raw',
      description: 'As it came.',
      shared: null,
      page: '/services/hops/projects/weather/datasets/raw',
      sharing: '/services/hops/projects/weather/datasets/raw/sharing',
      stored: false
    },
    {
      name: 'Shared/tides/levels',
      description: null,
      shared: {
        project: 'tides',
        dataset: 'levels',
        mode: 'read',
        download: false
      },
      page: '/services/hops/projects/weather/datasets/Shared:tides:levels',
      sharing: null,
      stored: false
    }
  ],
  waiting: [
    {
      project: 'moon',
      title: 'Moon',
      dataset: 'rocks',
      description: null,
      state: 'offered',
      mode: 'write',
      download: false
    }
  ],
  received: '/services/hops/projects/weather/received',
  published: '/services/hops/projects/weather/published'
};

export const DATASET_ANSWER = {
  ...DATASETS_ANSWER.items[0],
  size: { bytes: 1536, files: 2, whole: true },
  readme: 'raw/README.md',
  users: [
    {
      project: 'tides',
      title: 'Tides',
      state: 'accepted',
      mode: 'read',
      download: false,
      members: 2
    }
  ]
};
