/** What the server extension answers about the Spark sessions that one may look after. */
import type { Fields } from './reading';
import {
  readFields,
  readList,
  readNumber,
  readOptionalNumber,
  readOptionalText,
  readText
} from './reading';
import type { IQueuePlace, SessionResources } from './wire';
import { readQueue, readResources, readWholeSeconds } from './wire';

/** Whose sessions: my own, or those of all members of the project. */
export type Scope = 'own' | 'project';

/** The last statement of a session. Times are in seconds since the epoch. */
export interface ILastStatement {
  readonly state: string;
  readonly failed: boolean;
  readonly started: number | null;
  readonly completed: number | null;
  /** The first line of its code; null where it is another's. */
  readonly line: string | null;
}

/** A Spark session or batch, my own or another member's. Times are in seconds since the epoch. */
export interface IOverviewItem {
  readonly id: number;
  readonly kind: string;
  readonly name: string | null;
  /** Id of the kernel that works in it, or null where another client does. */
  readonly kernel: string | null;
  /** The path of that kernel's notebook; null where it is another's session. */
  readonly notebook: string | null;
  readonly user: string;
  readonly isOwn: boolean;
  readonly state: string;
  readonly reason: string | null;
  readonly appId: string | null;
  readonly created: number;
  readonly idleSince: number | null;
  /** When it ends if nothing is run, in seconds since the epoch; null while it works or where it stays. */
  readonly ends: number | null;
  readonly statements: number;
  readonly waiting: number;
  /** Where it stands in the queue for resources, while it waits there; the reason says for what. */
  readonly queue: IQueuePlace | null;
  readonly lastStatement: ILastStatement | null;
  readonly resources: SessionResources | null;
  /** Addresses of the GPUs that it holds. */
  readonly gpus: readonly number[];
  /** Path of Spark's own pages; null where there are none for me. */
  readonly sparkUi: string | null;
}

/** The sessions that one may look after, newest first. */
export interface IOverview {
  readonly scope: Scope;
  readonly items: readonly IOverviewItem[];
  /** How many there are; more than `items` when these are only the newest. */
  readonly total: number;
  /** Short for what this says. */
  readonly version: string;
}

/** The last lines of a session's log. */
export interface ILog {
  readonly lines: readonly string[];
  /** How many there are; more than `lines` when these are only the last. */
  readonly total: number;
}

/** Reads the answer of `GET hops/overview`. */
export function readOverview(value: unknown): IOverview {
  const fields = readFields(value, 'overview');
  return {
    scope: readText(fields, 'scope') === 'project' ? 'project' : 'own',
    items: readList(fields, 'items', readItem),
    total: readNumber(fields, 'total'),
    version: readText(fields, 'version')
  };
}

/** Reads the answer of `GET hops/overview/{id}/log`. */
export function readLog(value: unknown): ILog {
  const fields = readFields(value, 'log');
  const lines = fields['lines'];
  return {
    lines: Array.isArray(lines) ? lines.map(String) : [],
    total: readNumber(fields, 'total')
  };
}

/** Reads the answer of `POST hops/overview:stop-idle`: the numbers of those that were ended. */
export function readEnded(value: unknown): readonly number[] {
  const ended = readFields(value, 'ended')['ended'];
  return Array.isArray(ended) ? ended.map(Number) : [];
}

function readItem(fields: Fields): IOverviewItem {
  const last = fields['last_statement'] ?? null;
  const resources = fields['resources'] ?? null;
  const gpus = fields['gpus'];
  return {
    id: readNumber(fields, 'id'),
    kind: readText(fields, 'kind'),
    name: readOptionalText(fields, 'name'),
    kernel: readOptionalText(fields, 'kernel'),
    notebook: readOptionalText(fields, 'notebook'),
    user: readText(fields, 'user'),
    isOwn: fields['own'] === true,
    state: readText(fields, 'state'),
    reason: readOptionalText(fields, 'reason'),
    appId: readOptionalText(fields, 'app_id'),
    created: readNumber(fields, 'created'),
    idleSince: readOptionalNumber(fields, 'idle_since'),
    ends: readWholeSeconds(fields, 'ends'),
    statements: readNumber(fields, 'statements'),
    waiting: readNumber(fields, 'waiting'),
    queue: readQueue(fields),
    lastStatement:
      last === null ? null : readLast(readFields(last, 'last_statement')),
    resources:
      resources === null
        ? null
        : readResources(readFields(resources, 'resources')),
    gpus: Array.isArray(gpus) ? gpus.map(Number) : [],
    sparkUi: readOptionalText(fields, 'spark_ui')
  };
}

function readLast(fields: Fields): ILastStatement {
  return {
    state: readText(fields, 'state'),
    failed: fields['status'] === 'error',
    started: readOptionalNumber(fields, 'started'),
    completed: readOptionalNumber(fields, 'completed'),
    line: readOptionalText(fields, 'line')
  };
}
