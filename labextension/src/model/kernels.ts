import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ISessionContext } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { KernelAPI } from '@jupyterlab/services';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import type { ISessionOwner } from '../tokens';

/** The kernels of this notebook server, as far as Spark sessions need them. */
export interface IKernels {
  /** Emitted when a kernel has come, gone or got another notebook. */
  readonly changed: ISignal<unknown, unknown>;
  /** Id of the current tab's kernel, or null where it has none. */
  readonly current: string | null;
  /** The notebook or console of kernel `id`, or null when that kernel does not run. */
  ownerOf(id: string): ISessionOwner | null;
  /** Restarts kernel `id`. */
  restart(id: string): Promise<void>;
}

/** {@link IKernels} of Lab. */
export class LabKernels implements IKernels {
  constructor(private readonly app: JupyterFrontEnd) {}

  get changed(): ISignal<unknown, unknown> {
    return this.app.serviceManager.sessions.runningChanged;
  }

  get current(): string | null {
    return contextOf(this.app.shell.currentWidget)?.session?.kernel?.id ?? null;
  }

  ownerOf(id: string): ISessionOwner | null {
    for (const session of this.app.serviceManager.sessions.running()) {
      if (session.kernel?.id === id) {
        const { path, type } = session;
        const name =
          type === 'notebook' ? PathExt.basename(path) : session.name;
        return { name, path };
      }
    }
    return null;
  }

  async restart(id: string): Promise<void> {
    for (const widget of this.app.shell.widgets('main')) {
      const context = contextOf(widget);
      if (context?.session?.kernel?.id === id) {
        // The tab's own way: cells that wait for the old kernel would wait for ever.
        await context.restartKernel();
        return;
      }
    }
    await KernelAPI.restartKernel(id, this.app.serviceManager.serverSettings);
  }
}

/** What notebooks and consoles, and other tabs with a kernel, have in common. */
export interface IKernelTab extends Widget {
  readonly sessionContext: ISessionContext;
}

/** Whether `widget` is the tab of a notebook, of a console, or another one with a kernel. */
export function isKernelTab(widget: Widget): widget is IKernelTab {
  return 'sessionContext' in widget;
}

function contextOf(widget: Widget | null): ISessionContext | null {
  return widget !== null && isKernelTab(widget) ? widget.sessionContext : null;
}
