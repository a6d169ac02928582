import type { ISessionContext } from '@jupyterlab/apputils';
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { Widget } from '@lumino/widgets';
import type { IOverviewItem } from '../api/overview';

/** The names that Lab shows of the kernels of each kind of session. */
const KERNELS: Readonly<Record<string, string>> = {
  pyspark: 'PySpark',
  spark: 'Spark (Scala)'
};

/** The cell that attaches a session. */
export function attachCode(item: IOverviewItem): string {
  return `%spark_session attach ${item.id}`;
}

/** Runs a cell in the notebook of the current tab that attaches `item`; says what to do where that can't be. */
export async function attachSession(
  item: IOverviewItem,
  current: Widget | null,
  commands: CommandRegistry,
  trans: TranslationBundle
): Promise<void> {
  const kernel = kernelOf(current);
  if (kernel !== item.kind) {
    Notification.info(
      trans.__(
        'Spark session %1 can only be attached to a notebook with the kernel %2. Open one, and try again.',
        item.id,
        KERNELS[item.kind] ?? item.kind
      ),
      { autoClose: 8000 }
    );
    return;
  }
  await commands.execute('notebook:enter-command-mode');
  await commands.execute('notebook:insert-cell-below');
  await commands.execute('notebook:replace-selection', {
    text: attachCode(item)
  });
  await commands.execute('notebook:run-cell');
}

/** The name of the kernel of `widget`, where that is a notebook's tab. */
function kernelOf(widget: Widget | null): string | null {
  if (widget === null || !('sessionContext' in widget)) {
    return null;
  }
  const { session } = widget.sessionContext as ISessionContext;
  return session?.type === 'notebook' ? (session.kernel?.name ?? null) : null;
}
