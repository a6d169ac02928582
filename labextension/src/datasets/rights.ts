/** What may be done with a dataset in Lab, and by whom. The platform decides; this only spares people what it would refuse. */
import type { IDatasetEntry } from '../api/datasets';
import type { ProjectRole } from '../api/wire';

const SHARED = 'Shared';

/** A file or folder in the file browser, and the dataset that it lies in. */
export interface IPlaceInDataset {
  readonly dataset: IDatasetEntry;
  /** Path below the dataset; empty for the dataset itself. */
  readonly inner: string;
  readonly isFolder: boolean;
}

/** The dataset that `path` (from the project's folder on) lies in; null where it lies in none that is known. */
export function placeOf(
  path: string,
  isFolder: boolean,
  datasets: readonly IDatasetEntry[]
): IPlaceInDataset | null {
  const parts = path.split('/').filter(part => part !== '');
  const depth = parts[0] === SHARED ? 3 : 1;
  const name = parts.slice(0, depth).join('/');
  const dataset = datasets.find(dataset => dataset.name === name);
  return dataset === undefined
    ? null
    : { dataset, inner: parts.slice(depth).join('/'), isFolder };
}

/** Whether `role` shares and publishes `dataset`. */
export function mayShare(
  dataset: IDatasetEntry,
  role: ProjectRole | null
): boolean {
  return dataset.shared === null && role === 'data_owner';
}

/** Whether one learns who has `dataset`: that of another project is that project's business. */
export function mayKnowUsers(dataset: IDatasetEntry): boolean {
  return dataset.shared === null;
}

/** Whether `role` takes files out of `dataset`. */
export function mayDownload(
  dataset: IDatasetEntry,
  role: ProjectRole | null
): boolean {
  return role === 'data_owner' && (dataset.shared?.download ?? true);
}

/** Whether `role` gives `dataset` back to the project that owns it. */
export function mayGiveBack(
  dataset: IDatasetEntry,
  role: ProjectRole | null
): boolean {
  return dataset.shared !== null && role === 'data_owner';
}
