/**
 * What of a notebook's tab is needed here, by shape: Lab's notebook package
 * would be a dependency for these few names.
 */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ISessionContext } from '@jupyterlab/apputils';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import type { Output } from '../api/outputs';

/** A code cell's content. */
export interface ICode {
  readonly id: string;
  readonly type: string;
  readonly sharedModel: { getSource(): string };
  readonly outputs: { toJSON(): Output[]; fromJSON(outputs: Output[]): void };
  executionCount: number | null;
  executionState?: 'idle' | 'running';
}

/** A notebook's tab. */
export interface INotebookTab extends Widget {
  readonly sessionContext: ISessionContext;
  readonly context: {
    readonly path: string;
    readonly pathChanged: ISignal<unknown, string>;
    readonly ready: Promise<void>;
    /** As it was read or saved last. */
    readonly contentsModel: { readonly last_modified?: string } | null;
    readonly model: { readonly cells: Iterable<ICode> };
  };
}

/** Whether `widget` is the tab of a notebook. */
export function isNotebookTab(widget: Widget): widget is INotebookTab {
  return (
    'sessionContext' in widget &&
    'context' in widget &&
    (widget as INotebookTab).context.path.endsWith('.ipynb')
  );
}

/** Calls `opened` once for each notebook's tab: those there are, and each that comes. */
export function onEachNotebook(
  app: Pick<JupyterFrontEnd, 'serviceManager' | 'shell'>,
  opened: (tab: INotebookTab) => void
): void {
  onEachTab(app, isNotebookTab, opened);
}

/** Calls `opened` once for each tab that is `wanted`. */
export function onEachTab<T extends Widget>(
  app: Pick<JupyterFrontEnd, 'serviceManager' | 'shell'>,
  wanted: (widget: Widget) => widget is T,
  opened: (tab: T) => void
): void {
  const known = new WeakSet<T>();
  const look = (): void => {
    for (const tab of app.shell.widgets('main')) {
      if (wanted(tab) && !known.has(tab)) {
        known.add(tab);
        opened(tab);
      }
    }
  };
  // A tab may come without a new kernel (its own still runs), and without being the current one.
  app.shell.currentChanged?.connect(look);
  app.serviceManager.sessions.runningChanged.connect(look);
  look();
}
