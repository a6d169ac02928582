/** JSON schemas of the commands' arguments, for `describedBy`. */
import type { ReadonlyJSONObject } from '@lumino/coreutils';

/** No arguments. */
export const NO_ARGUMENTS: ReadonlyJSONObject = {
  type: 'object',
  properties: {}
};

/** A Spark session. */
export const SESSION_ARGUMENTS: ReadonlyJSONObject = {
  type: 'object',
  properties: {
    id: {
      type: 'number',
      description:
        'The number of the Spark session; without it that of the current tab, else the only one'
    }
  }
};

/** A Spark session that is named. */
export const NAMED_SESSION_ARGUMENTS: ReadonlyJSONObject = {
  type: 'object',
  properties: {
    id: { type: 'number', description: 'The number of the Spark session' }
  },
  required: ['id']
};

/** Whose Spark sessions. */
export const WHOSE_ARGUMENTS: ReadonlyJSONObject = {
  type: 'object',
  properties: {
    whose: {
      type: 'string',
      enum: ['own', 'others'],
      description: "My own, or those of the project's other members"
    }
  }
};

/** A log directory. */
export const LOGDIR_ARGUMENTS: ReadonlyJSONObject = {
  type: 'object',
  properties: {
    logdir: {
      type: 'string',
      description: "Log directory, relative to the project's folder"
    },
    beside: {
      type: 'boolean',
      description: 'Open it beside the current tab, without leaving that'
    }
  }
};

/** A dataset. */
export const DATASET_ARGUMENTS: ReadonlyJSONObject = {
  type: 'object',
  properties: {
    dataset: {
      type: 'string',
      description:
        'Name of the dataset, as raw or Shared/tides/levels; without it that of the selection in the file browser'
    }
  }
};

/** Words to look for. */
export const SEARCH_ARGUMENTS: ReadonlyJSONObject = {
  type: 'object',
  properties: {
    search: {
      type: 'string',
      description: 'Part of a name or of a description'
    }
  }
};
