import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { problemOf } from '../api/problem';
import type { IProjectModel } from '../tokens';

/** Asks, then ends the Spark session `id`. */
export async function endSession(
  id: number,
  model: IProjectModel,
  trans: TranslationBundle
): Promise<void> {
  const result = await showDialog({
    title: trans.__('End Spark session %1?', id),
    body: trans.__(
      'Its variables and unfinished work are lost. The notebook stays; its next cell starts a new session after the kernel is restarted.'
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: trans.__('End Session') })
    ]
  });
  if (!result.button.accept) {
    return;
  }
  Notification.promise(
    model.endSession(id).then(() => null),
    {
      pending: { message: trans.__('Ending Spark session %1…', id) },
      success: {
        message: () => trans.__('Spark session %1 has ended.', id),
        options: { autoClose: 3000 }
      },
      error: {
        message: reason => {
          const { detail, remedy } = problemOf(reason, trans);
          return remedy === null ? detail : `${detail} ${remedy}`;
        }
      }
    }
  );
}
