import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PathExt, URLExt } from '@jupyterlab/coreutils';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  downloadIcon,
  infoIcon,
  refreshIcon,
  searchIcon,
  shareIcon,
  usersIcon
} from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { IDatasetEntry } from '../api/datasets';
import type { ProjectRole } from '../api/wire';
import {
  DATASET_ARGUMENTS,
  NO_ARGUMENTS,
  SEARCH_ARGUMENTS
} from '../commands/arguments';
import { CommandIDs } from '../commands/ids';
import { openPage, openWindow } from '../commands/pages';
import { DATASETS_PANEL_ID } from '../identity';
import { datasetsIcon } from '../parts/icons';
import type { IProjectModel } from '../tokens';
import type { DatasetsModel } from './model';
import type { IPlaceInDataset } from './rights';
import { mayDownload, mayKnowUsers, mayShare, placeOf } from './rights';

/** Lab's own command on a selected file; Data Scientists' servers have none. */
const DOWNLOAD_FILE = 'filebrowser:download';

/** What the commands work on. */
export interface IDatasetCommandsOptions {
  readonly app: JupyterFrontEnd;
  readonly datasets: DatasetsModel;
  readonly project: IProjectModel;
  readonly trans: TranslationBundle;
  readonly fileBrowsers: IFileBrowserFactory | null;
  readonly rendermime: IRenderMimeRegistry | null;
  /** Told that a window was opened in which something may change. */
  readonly onWindow: () => void;
}

/** Adds the commands on datasets, for the panel and the menu of the file browser alike. */
export function addDatasetCommands(options: IDatasetCommandsOptions): void {
  const { app, datasets, project, trans, onWindow } = options;
  const { commands } = app;
  const role = (): ProjectRole | null => project.project.value?.role ?? null;
  const place = (args: ReadonlyPartialJSONObject): IPlaceInDataset | null =>
    placeOfArguments(args, options);
  const decide = (path: string): void => {
    openWindow(path);
    onWindow();
  };
  /** `whole` for the dataset itself; `named` for what lies in it, since the whole is meant all the same. */
  const label =
    (whole: string, named: (name: string) => string) =>
    (args: ReadonlyPartialJSONObject): string => {
      const found = place(args);
      return found === null || found.inner === ''
        ? whole
        : named(found.dataset.name);
    };

  commands.addCommand(CommandIDs.showDatasets, {
    label: trans.__('Show Datasets'),
    caption: trans.__('Show the datasets that this project sees'),
    icon: datasetsIcon,
    describedBy: { args: NO_ARGUMENTS },
    execute: () => {
      app.shell.activateById(DATASETS_PANEL_ID);
    }
  });
  commands.addCommand(CommandIDs.refreshDatasets, {
    label: trans.__('Refresh Datasets'),
    caption: trans.__('Read the datasets again'),
    icon: refreshIcon,
    describedBy: { args: NO_ARGUMENTS },
    execute: () => datasets.refresh()
  });
  commands.addCommand(CommandIDs.openDataset, {
    label: trans.__('Open in File Browser'),
    caption: trans.__('Show the files of a dataset in the file browser'),
    describedBy: { args: DATASET_ARGUMENTS },
    execute: args => {
      const path = place(args)?.dataset.name;
      return path === undefined
        ? null
        : commands.execute('filebrowser:open-path', { path });
    }
  });
  commands.addCommand(CommandIDs.shareDataset, {
    label: label(trans.__('Share…'), name =>
      trans.__('Share Dataset %1…', name)
    ),
    caption: trans.__('Share a dataset with another project'),
    icon: shareIcon,
    describedBy: { args: DATASET_ARGUMENTS },
    isVisible: args => isTrue(place(args), found => mayShare(found, role())),
    execute: args => {
      const sharing = place(args)?.dataset.sharing ?? null;
      if (sharing !== null) {
        decide(sharing);
      }
    }
  });
  commands.addCommand(CommandIDs.publishDataset, {
    label: label(trans.__('Publish…'), name =>
      trans.__('Publish Dataset %1…', name)
    ),
    caption: trans.__(
      'Publish a dataset for everybody who is logged in, or withdraw it'
    ),
    describedBy: { args: DATASET_ARGUMENTS },
    isVisible: args => isTrue(place(args), found => mayShare(found, role())),
    execute: args => {
      const sharing = place(args)?.dataset.sharing ?? null;
      if (sharing !== null) {
        decide(`${sharing}#publish`);
      }
    }
  });
  commands.addCommand(CommandIDs.showDatasetUsers, {
    label: label(trans.__('Who Has Access'), name =>
      trans.__('Who Has Access to %1', name)
    ),
    caption: trans.__('Show the people and projects that have a dataset'),
    icon: usersIcon,
    describedBy: { args: DATASET_ARGUMENTS },
    isVisible: args => isTrue(place(args), mayKnowUsers),
    execute: async args => {
      const found = place(args);
      if (found !== null) {
        const { showUsers } = await import('./dialogs');
        await showUsers(found.dataset, { ...options, decide });
      }
    }
  });
  commands.addCommand(CommandIDs.describeDataset, {
    label: label(trans.__('Describe'), name =>
      trans.__('Describe Dataset %1', name)
    ),
    caption: trans.__('Show description, README and size of a dataset'),
    icon: infoIcon,
    describedBy: { args: DATASET_ARGUMENTS },
    isVisible: args => place(args) !== null,
    execute: async args => {
      const found = place(args);
      if (found !== null) {
        const { describe } = await import('./dialogs');
        await describe(found.dataset, { ...options, decide });
      }
    }
  });
  commands.addCommand(CommandIDs.downloadFromDataset, {
    label: args => {
      const found = place(args);
      return found === null || isOwnFile(found)
        ? trans.__('Download')
        : trans.__('Download…');
    },
    caption: trans.__(
      "Download the file, or choose files on the dataset's page"
    ),
    icon: downloadIcon,
    describedBy: { args: DATASET_ARGUMENTS },
    isVisible: args => {
      const found = place(args);
      // What lies in no dataset that is known is Lab's own matter.
      return found === null
        ? args['dataset'] === undefined &&
            isFileSelected(options) &&
            commands.hasCommand(DOWNLOAD_FILE)
        : mayDownload(found.dataset, role()) &&
            (!isOwnFile(found) || commands.hasCommand(DOWNLOAD_FILE));
    },
    execute: args => {
      const found = place(args);
      if (found === null || isOwnFile(found)) {
        return commands.execute(DOWNLOAD_FILE);
      }
      openPage(downloadPage(found));
      return null;
    }
  });
  commands.addCommand(CommandIDs.answerOffers, {
    label: trans.__('Shared with This Project…'),
    caption: trans.__(
      'Answer what other projects offer, and give datasets back'
    ),
    describedBy: { args: NO_ARGUMENTS },
    isEnabled: () => datasets.list.value !== null,
    execute: () => {
      const path = datasets.list.value?.received;
      if (path !== undefined) {
        decide(path);
      }
    }
  });
  commands.addCommand(CommandIDs.findDatasets, {
    label: trans.__('Find Published Datasets…'),
    caption: trans.__(
      'Find datasets that are published for everybody, and add them'
    ),
    icon: searchIcon,
    describedBy: { args: SEARCH_ARGUMENTS },
    isEnabled: () => datasets.list.value !== null,
    execute: args => {
      const path = datasets.list.value?.published;
      const search = args['search'];
      if (path !== undefined) {
        decide(
          typeof search === 'string' && search !== ''
            ? path + URLExt.objectToQueryString({ search })
            : path
        );
      }
    }
  });
  datasets.changed.connect(() => {
    commands.notifyCommandChanged(CommandIDs.answerOffers);
    commands.notifyCommandChanged(CommandIDs.findDatasets);
  });
}

/** The page with the folder that `place` is or lies in. */
export function downloadPage({
  dataset,
  inner,
  isFolder
}: IPlaceInDataset): string {
  const folder = isFolder ? inner : PathExt.dirname(inner);
  return folder === ''
    ? dataset.page
    : `${dataset.page}#/${URLExt.encodeParts(folder)}`;
}

/** Lab downloads a single file of the project itself; the page does of a folder, of what others share, and of what lies on the site's storage. */
export function isOwnFile({ dataset, isFolder }: IPlaceInDataset): boolean {
  return !isFolder && dataset.shared === null && !dataset.isStored;
}

function isTrue(
  place: IPlaceInDataset | null,
  test: (dataset: IDatasetEntry) => boolean
): boolean {
  return place !== null && test(place.dataset);
}

function isFileSelected(options: IDatasetCommandsOptions): boolean {
  const selected = selectedItem(options);
  return selected !== null && !selected.isFolder;
}

/** The one item that is selected in the file browser; null for none or many. */
function selectedItem({
  app,
  fileBrowsers
}: IDatasetCommandsOptions): { path: string; isFolder: boolean } | null {
  const browser = fileBrowsers?.tracker.currentWidget ?? null;
  const [first, ...others] =
    browser === null ? [] : [...browser.selectedItems()];
  return first === undefined || others.length > 0
    ? null
    : {
        path: app.serviceManager.contents.localPath(first.path),
        isFolder: first.type === 'directory'
      };
}

function placeOfArguments(
  args: ReadonlyPartialJSONObject,
  options: IDatasetCommandsOptions
): IPlaceInDataset | null {
  const items = options.datasets.list.value?.items ?? [];
  const name = args['dataset'];
  if (typeof name === 'string') {
    return placeOf(name, true, items);
  }
  const selected = selectedItem(options);
  return selected === null
    ? null
    : placeOf(selected.path, selected.isFolder, items);
}
