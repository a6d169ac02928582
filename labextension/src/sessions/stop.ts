import type { TranslationBundle } from '@jupyterlab/translation';
import type { IOverviewItem } from '../api/overview';
import { confirm } from '../commands/confirm';
import { tell } from '../commands/tell';
import { titleOf } from '../parts/title';
import type { IProjectModel } from '../tokens';
import type { SessionsModel } from './model';

/** What ending sessions needs. */
export interface IStopping {
  readonly sessions: SessionsModel;
  readonly project: IProjectModel;
  readonly trans: TranslationBundle;
}

/** Asks, then ends a session, one's own or another's. */
export async function stopSession(
  item: IOverviewItem,
  { sessions, project, trans }: IStopping
): Promise<void> {
  const title = titleOf(item, project.ownerOf(item), trans);
  const sure = await confirm(
    item.isOwn
      ? trans.__('Stop the Spark session of %1?', title)
      : trans.__('Stop %1 of %2?', title, item.user),
    lossText(item, trans),
    trans.__('Stop Session'),
    trans
  );
  if (sure) {
    tell(
      sessions.stop(item.id).then(() => project.refresh()),
      trans.__('Stopping Spark session %1…', item.id),
      trans.__('Spark session %1 has ended.', item.id),
      trans
    );
  }
}

/** Asks, then ends those of `items`, all my own or all of others, that are idle still. */
export async function stopIdleSessions(
  items: readonly IOverviewItem[],
  { sessions, project, trans }: IStopping
): Promise<void> {
  const count = items.length;
  if (count === 0) {
    return;
  }
  const isOwn = items.every(item => item.isOwn);
  const titles = items.map(item => {
    const title = titleOf(item, project.ownerOf(item), trans);
    return item.isOwn ? title : trans.__('%1 of %2', title, item.user);
  });
  const sure = await confirm(
    trans._n('Stop %1 idle session?', 'Stop %1 idle sessions?', count),
    [
      trans.__('These do nothing now: %1.', titles.join(', ')),
      isOwn
        ? trans.__(
            'Their variables are lost; notebooks, outputs and files stay. The next cell there says that the session has ended.'
          )
        : trans.__(
            'Their variables are lost to their owners, whose notebooks say that you stopped them; notebooks, outputs and files stay.'
          ),
      trans.__('One that begins to work meanwhile goes on.')
    ].join(' '),
    trans._n('Stop %1 Session', 'Stop %1 Sessions', count),
    trans
  );
  if (sure) {
    const ids = items.map(item => item.id);
    let ended = 0;
    const work = sessions
      .stopIdle(isOwn ? 'own' : 'project', ids)
      .then(async numbers => {
        ended = numbers.length;
        await project.refresh();
      });
    tell(
      work,
      trans._n('Stopping %1 session…', 'Stopping %1 sessions…', count),
      () => trans._n('%1 session has ended.', '%1 sessions have ended.', ended),
      trans
    );
  }
}

/** What is lost with a session. */
function lossText(item: IOverviewItem, trans: TranslationBundle): string {
  const isBusy = item.state === 'busy' || item.state === 'running';
  const sentences = item.isOwn
    ? [
        ...(isBusy
          ? [trans.__('It is working now; that work is broken off.')]
          : []),
        trans.__(
          'Its variables are lost; the notebook, its outputs and all files stay. The next cell there says that the session has ended. Run the cell again, and a new session starts.'
        )
      ]
    : [
        ...(isBusy
          ? [
              trans.__(
                '%1 is working in it now; that work is broken off.',
                item.user
              )
            ]
          : []),
        trans.__(
          'Its variables are lost to %1, whose notebook says that you stopped it; the notebook, its outputs and all files stay.',
          item.user
        )
      ];
  return sentences.join(' ');
}
