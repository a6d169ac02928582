/**
 * What the server extension answers, and how it is read.
 *
 * The shapes are those of docs/how-it-fits.md, "The server extension".
 */
import type { IProblem } from './problem';
import type { Fields } from './reading';
import type { components } from './schema';
import {
  readFields,
  readList,
  readNumber,
  readOptionalList,
  readOptionalNumber,
  readOptionalText,
  readText
} from './reading';

/** A member's role in a project. */
export type ProjectRole = components['schemas']['ProjectRole'];

/** What a notebook server's Spark session may use, as the control plane says it. Memory is in MiB. */
export type ServerOptions = Readonly<components['schemas']['ServerOptions']>;

/** What a Spark session uses. */
export type SessionResources = Pick<
  ServerOptions,
  | 'executors'
  | 'executor_cores'
  | 'executor_memory_mib'
  | 'driver_memory_mib'
  | 'gpus_per_executor'
  | 'gpu_label'
> & {
  /** Between how many executors the session has as needed; null when there are always `executors`. */
  readonly bounds: { readonly least: number; readonly most: number } | null;
};

/** A member of the project. */
export interface IMember {
  readonly user: string;
  readonly title: string;
  readonly role: ProjectRole;
}

/** A dataset of the project: a folder of its name in the project's folder. */
export interface IDataset {
  readonly name: string;
  readonly description: string | null;
}

/** This server's project. */
export interface IProject {
  /** Version of the server extension. */
  readonly version: string;
  readonly project: string;
  readonly title: string;
  readonly user: string;
  readonly role: ProjectRole;
  readonly options: ServerOptions;
  /** Dataset in which notebooks start. */
  readonly startFolder: string;
  readonly members: readonly IMember[];
  /** Why the members could not be read, or null. */
  readonly membersProblem: IProblem | null;
  /** The datasets, or null from a server that does not tell them. */
  readonly datasets: readonly IDataset[] | null;
  /** Why the datasets could not be read, or null. */
  readonly datasetsProblem: IProblem | null;
  /** Why this server's token could not be renewed, or null. */
  readonly tokenProblem: IProblem | null;
  /** Path of the project's page in the control plane. */
  readonly projectLink: string;
  /** Path of the list of my projects. */
  readonly projectsLink: string;
}

/** The place of a session that waits for resources; 1 is served next. */
export interface IQueuePlace {
  readonly position: number;
  readonly length: number;
}

/** One of my Spark sessions. */
export interface ISession {
  readonly id: number;
  readonly kind: string;
  readonly name: string | null;
  /** Id of the kernel that works in it, or null where another client does. */
  readonly kernel: string | null;
  /** The path of that kernel's notebook, as the kernel told it. */
  readonly notebook: string | null;
  /** Livy's word for its state, e.g. `idle`. */
  readonly state: string;
  /** Why it is in that state, in words. */
  readonly reason: string | null;
  /** Seconds since the epoch. */
  readonly created: number | null;
  /** After so many idle seconds it ends; 0 is never, null is not known. */
  readonly idleTimeout: number | null;
  /** When it ends if nothing is run, in seconds since the epoch; null while it works or where it stays. */
  readonly ends: number | null;
  /** Where it stands in the queue for resources, while it waits there; the reason says for what. */
  readonly queue: IQueuePlace | null;
  readonly resources: SessionResources | null;
}

/** A TensorBoard of this notebook server. */
export interface ITensorBoard {
  readonly id: string;
  /** Log directory, relative to the project's folder. */
  readonly logdir: string;
  /** Path in the browser; ends with `/`. */
  readonly url: string;
}

/** What follows a request to stop or restart the server. */
export interface IServerChange {
  readonly state: string;
  /** Path to wait at. */
  readonly url: string;
}

function readRole(fields: Fields): ProjectRole {
  // What is unknown gets the lesser role: it only decides what is shown.
  return fields['role'] === 'data_owner' ? 'data_owner' : 'data_scientist';
}

function readMember(fields: Fields): IMember {
  const user = readText(fields, 'user');
  const title = readOptionalText(fields, 'title');
  return {
    user,
    title: title === null || title === '' ? user : title,
    role: readRole(fields)
  };
}

function readDataset(fields: Fields): IDataset {
  const description = readOptionalText(fields, 'description');
  return {
    name: readText(fields, 'name'),
    description: description === '' ? null : description
  };
}

function readOptions(fields: Fields): ServerOptions {
  return {
    allocation:
      readText(fields, 'allocation') === 'dynamic' ? 'dynamic' : 'fixed',
    executors: readNumber(fields, 'executors'),
    min_executors: readNumber(fields, 'min_executors'),
    max_executors: readNumber(fields, 'max_executors'),
    executor_cores: readNumber(fields, 'executor_cores'),
    executor_memory_mib: readNumber(fields, 'executor_memory_mib'),
    driver_memory_mib: readNumber(fields, 'driver_memory_mib'),
    gpus_per_executor: readNumber(fields, 'gpus_per_executor'),
    gpu_label: readOptionalText(fields, 'gpu_label'),
    on_no_room:
      readOptionalText(fields, 'on_no_room') === 'fail' ? 'fail' : 'wait',
    idle_timeout_minutes: readNumber(fields, 'idle_timeout_minutes')
  };
}

/** Reads problem details. */
export function readProblem(value: unknown): IProblem {
  const fields = readFields(value, 'problem');
  return {
    title: readText(fields, 'title'),
    detail: readText(fields, 'detail'),
    remedy: readOptionalText(fields, 'remedy'),
    status: readNumber(fields, 'status')
  };
}

function readOptionalProblem(value: unknown): IProblem | null {
  return (value ?? null) === null ? null : readProblem(value);
}

/** Reads the answer of `GET hops/project`. */
export function readProject(value: unknown): IProject {
  const fields = readFields(value, 'project');
  const links = readFields(fields['links'], 'links');
  return {
    version: readText(fields, 'version'),
    project: readText(fields, 'project'),
    title: readText(fields, 'title'),
    user: readText(fields, 'user'),
    role: readRole(fields),
    options: readOptions(readFields(fields['options'], 'options')),
    startFolder: readText(fields, 'start_folder'),
    members: readList(fields, 'members', readMember),
    membersProblem: readOptionalProblem(fields['members_problem']),
    datasets: readOptionalList(fields, 'datasets', readDataset),
    datasetsProblem: readOptionalProblem(fields['datasets_problem']),
    tokenProblem: readOptionalProblem(fields['token_problem']),
    projectLink: readPath(links, 'project'),
    projectsLink: readPath(links, 'projects')
  };
}

/**
 * A path of this site. Anything else (another site's address, a script) is
 * replaced by the root, so that no answer can lead a click astray.
 */
export function readPath(fields: Fields, field: string): string {
  const path = readText(fields, field);
  return /^\/(?![/\\])/.test(path) ? path : '/';
}

/** Reads what a session uses. */
export function readResources(fields: Fields): SessionResources {
  const most = readOptionalNumber(fields, 'max_executors');
  return {
    bounds:
      most === null
        ? null
        : { least: readOptionalNumber(fields, 'min_executors') ?? 0, most },
    executors: readNumber(fields, 'executors'),
    executor_cores: readNumber(fields, 'executor_cores'),
    executor_memory_mib: readNumber(fields, 'executor_memory_mib'),
    driver_memory_mib: readNumber(fields, 'driver_memory_mib'),
    gpus_per_executor: readNumber(fields, 'gpus_per_executor'),
    gpu_label: readOptionalText(fields, 'gpu_label')
  };
}

/** Reads the place of a session in the queue, where it waits in one. */
export function readQueue(fields: Fields): IQueuePlace | null {
  const queue = fields['queue'] ?? null;
  if (queue === null) {
    return null;
  }
  const place = readFields(queue, 'queue');
  return {
    position: readNumber(place, 'position'),
    length: readNumber(place, 'length')
  };
}

/** A moment in whole seconds: tenths, which come and go with the clock, would be news each time. */
export function readWholeSeconds(fields: Fields, field: string): number | null {
  const seconds = readOptionalNumber(fields, field);
  return seconds === null ? null : Math.round(seconds);
}

function readSession(fields: Fields): ISession {
  const resources = fields['resources'] ?? null;
  return {
    id: readNumber(fields, 'id'),
    kind: readText(fields, 'kind'),
    name: readOptionalText(fields, 'name'),
    kernel: readOptionalText(fields, 'kernel'),
    notebook: readOptionalText(fields, 'notebook'),
    state: readText(fields, 'state'),
    reason: readOptionalText(fields, 'reason'),
    created: readOptionalNumber(fields, 'created'),
    idleTimeout: readOptionalNumber(fields, 'idle_timeout_s'),
    ends: readWholeSeconds(fields, 'ends'),
    queue: readQueue(fields),
    resources:
      resources === null
        ? null
        : readResources(readFields(resources, 'resources'))
  };
}

/** Reads the answer of `GET hops/session`, newest first. */
export function readSessions(value: unknown): readonly ISession[] {
  const sessions = readList(
    readFields(value, 'sessions'),
    'items',
    readSession
  );
  return [...sessions].sort((one, other) => other.id - one.id);
}

/** Reads the answer of `POST hops/session/{id}:pages`. */
export function readSparkPages(value: unknown): string {
  return readPath(readFields(value, 'pages'), 'url');
}

/** Reads the answer of `POST hops/tensorboards`. */
export function readTensorBoard(value: unknown): ITensorBoard {
  const fields = readFields(value, 'tensorboard');
  return {
    id: readText(fields, 'id'),
    logdir: readText(fields, 'logdir'),
    url: readPath(fields, 'url')
  };
}

/** Reads the answer of `POST hops/server:stop` and `hops/server:restart`. */
export function readServerChange(value: unknown): IServerChange {
  const fields = readFields(value, 'server');
  return { state: readText(fields, 'state'), url: readPath(fields, 'url') };
}
