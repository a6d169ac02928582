import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { problemOf } from '../api/problem';

/** Tells that `work` is going on, that it is done, or why it failed. */
export function tell(
  work: Promise<unknown>,
  pending: string,
  success: string | (() => string),
  trans: TranslationBundle
): void {
  Notification.promise(
    work.then(() => null),
    {
      pending: { message: pending },
      success: {
        message: () => (typeof success === 'string' ? success : success()),
        options: { autoClose: 5000 }
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
