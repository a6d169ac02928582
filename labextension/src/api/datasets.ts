/** What the server extension answers about the datasets that this project sees. */
import type { Fields } from './reading';
import {
  readFields,
  readList,
  readNumber,
  readOptionalList,
  readOptionalNumber,
  readOptionalText,
  readText
} from './reading';
import type { components } from './schema';
import { readPath } from './wire';

/** What another project may do with a dataset. */
export type ShareMode = components['schemas']['ShareMode'];

/** How far a share is. */
export type ShareState = components['schemas']['ShareState'];

/** Whose a shared dataset is, and what may be done with it here. */
export interface IShared {
  readonly project: string;
  readonly dataset: string;
  readonly mode: ShareMode;
  /** Whether Data Owners here may download it. */
  readonly download: boolean;
}

/** A dataset that has files here. */
export interface IDatasetEntry {
  /** Also its path in the file browser: `raw`, or `Shared/tides/levels`. */
  readonly name: string;
  readonly description: string | null;
  /** Null for one of the project's own. */
  readonly shared: IShared | null;
  /** Path of its page. */
  readonly page: string;
  /** Path of the window in which it is shared; null for one of another project. */
  readonly sharing: string | null;
  /** Whether it lies on the site's storage, and not on the notebook server's disk. */
  readonly isStored: boolean;
}

/** A dataset of another project that is offered to this one, or asked for. */
export interface IWaitingShare {
  readonly project: string;
  readonly title: string;
  readonly dataset: string;
  readonly description: string | null;
  readonly state: ShareState;
  readonly mode: ShareMode;
  readonly download: boolean;
}

/** All datasets that this project sees. */
export interface IDatasetList {
  readonly items: readonly IDatasetEntry[];
  readonly waiting: readonly IWaitingShare[];
  /** Path of the window in which offers are answered and datasets given back. */
  readonly received: string;
  /** Path of the window in which published datasets are found. */
  readonly published: string;
}

/** A project that has a dataset, or may come to have it. */
export interface IDatasetUser {
  readonly project: string;
  readonly title: string;
  readonly state: ShareState;
  readonly mode: ShareMode;
  readonly download: boolean;
  /** How many people that are; null before it is accepted. */
  readonly members: number | null;
}

/** How much lies in a dataset. */
export interface IDatasetSize {
  readonly bytes: number;
  readonly files: number;
  /** Whether all was counted. */
  readonly whole: boolean;
}

/** A dataset with what takes longer to find out. */
export interface IDatasetDetail extends IDatasetEntry {
  /** Null for one on the site's storage, where nobody counts. */
  readonly size: IDatasetSize | null;
  /** Path of its README.md in the file browser; null without one. */
  readonly readme: string | null;
  /** Other projects that have it; null for one of another project. */
  readonly users: readonly IDatasetUser[] | null;
}

/** Reads the answer of `GET hops/datasets`. */
export function readDatasetList(value: unknown): IDatasetList {
  const fields = readFields(value, 'datasets');
  return {
    items: readList(fields, 'items', readEntry),
    waiting: readList(fields, 'waiting', readWaiting),
    received: readPath(fields, 'received'),
    published: readPath(fields, 'published')
  };
}

/** Reads the answer of `GET hops/datasets/{name}`. */
export function readDatasetDetail(value: unknown): IDatasetDetail {
  const fields = readFields(value, 'dataset');
  const size = fields['size'] ?? null;
  return {
    ...readEntry(fields),
    size: size === null ? null : readSize(readFields(size, 'size')),
    readme: readOptionalText(fields, 'readme'),
    users: readOptionalList(fields, 'users', readUser)
  };
}

function readEntry(fields: Fields): IDatasetEntry {
  const shared = fields['shared'] ?? null;
  return {
    name: readText(fields, 'name'),
    description: readOptionalText(fields, 'description'),
    shared: shared === null ? null : readShared(readFields(shared, 'shared')),
    page: readPath(fields, 'page'),
    sharing:
      (fields['sharing'] ?? null) === null ? null : readPath(fields, 'sharing'),
    isStored: fields['stored'] === true
  };
}

function readSize(fields: Fields): IDatasetSize {
  return {
    bytes: readNumber(fields, 'bytes'),
    files: readNumber(fields, 'files'),
    whole: fields['whole'] === true
  };
}

function readShared(fields: Fields): IShared {
  return {
    project: readText(fields, 'project'),
    dataset: readText(fields, 'dataset'),
    ...readTerms(fields)
  };
}

function readWaiting(fields: Fields): IWaitingShare {
  return {
    project: readText(fields, 'project'),
    title: readText(fields, 'title'),
    dataset: readText(fields, 'dataset'),
    description: readOptionalText(fields, 'description'),
    state: readState(fields),
    ...readTerms(fields)
  };
}

function readUser(fields: Fields): IDatasetUser {
  return {
    project: readText(fields, 'project'),
    title: readText(fields, 'title'),
    state: readState(fields),
    members: readOptionalNumber(fields, 'members'),
    ...readTerms(fields)
  };
}

/** What is unknown is the least: it only decides what is shown. */
function readTerms(fields: Fields): {
  readonly mode: ShareMode;
  readonly download: boolean;
} {
  return {
    mode: fields['mode'] === 'write' ? 'write' : 'read',
    download: fields['download'] === true
  };
}

function readState(fields: Fields): ShareState {
  const state = readText(fields, 'state');
  return state === 'accepted' || state === 'asked' || state === 'declined'
    ? state
    : 'offered';
}
