import type { TranslationBundle } from '@jupyterlab/translation';
import { titleOf } from '../parts/title';
import type { IProjectModel } from '../tokens';
import { confirm } from './confirm';
import { tell } from './tell';

/** Asks, then ends the Spark session `id`. */
export async function endSession(
  id: number,
  model: IProjectModel,
  trans: TranslationBundle
): Promise<void> {
  const session = model.sessions.value?.find(session => session.id === id);
  const sure = await confirm(
    session === undefined
      ? trans.__('Stop Spark session %1?', id)
      : trans.__(
          'Stop the Spark session of %1?',
          titleOf(session, model.ownerOf(session), trans)
        ),
    trans.__(
      'Its variables and unfinished work are lost; the notebook stays. The next cell there says that the session has ended. Run the cell again, and a new session starts.'
    ),
    trans.__('Stop Session'),
    trans
  );
  if (sure) {
    tell(
      model.endSession(id),
      trans.__('Stopping Spark session %1…', id),
      trans.__('Spark session %1 has ended.', id),
      trans
    );
  }
}

/** Asks, then ends the Spark session `id` and restarts its kernel, whose next cell starts a new session. */
export async function restartSession(
  id: number,
  model: IProjectModel,
  trans: TranslationBundle
): Promise<void> {
  const session = model.sessions.value?.find(session => session.id === id);
  const owner = session === undefined ? null : model.ownerOf(session);
  const sure = await confirm(
    trans.__('Restart Spark session %1?', id),
    owner === null
      ? trans.__(
          'Its variables and unfinished work are lost. Its kernel does not run on your server, so that the session is only ended; the next cell of a PySpark notebook starts a new one.'
        )
      : trans.__(
          'The kernel of %1 restarts: its variables and unfinished work are lost, the outputs stay. The next cell starts a new session with the resources of your server.',
          owner.name
        ),
    trans.__('Restart Session'),
    trans
  );
  if (sure) {
    tell(
      model.restartSession(id),
      trans.__('Restarting Spark session %1…', id),
      trans.__(
        'Spark session %1 has ended; the next cell starts a new one.',
        id
      ),
      trans
    );
  }
}
