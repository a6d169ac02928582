import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { problemOf } from '../api/problem';

/** Tells that something failed and why, with what to do behind *Details*. */
export function tellFailure(reason: unknown, trans: TranslationBundle): void {
  const problem = problemOf(reason, trans);
  Notification.error(`${problem.title}: ${problem.detail}`, {
    autoClose: false,
    actions: [
      {
        label: trans.__('Details'),
        callback: () => {
          void showDialog({
            title: problem.title,
            body: [problem.detail, problem.remedy].filter(Boolean).join('\n\n'),
            buttons: [Dialog.okButton({ label: trans.__('Close') })]
          });
        }
      }
    ]
  });
}
