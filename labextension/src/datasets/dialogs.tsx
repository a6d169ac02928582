import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Panel } from '@lumino/widgets';
import * as React from 'react';
import type { IDatasetDetail, IDatasetEntry } from '../api/datasets';
import type { IMember } from '../api/wire';
import { tellFailure } from '../commands/failure';
import { openPage } from '../commands/pages';
import { roleText } from '../parts/roles';
import type { IProjectModel } from '../tokens';
import type { DatasetsModel } from './model';
import { Readme } from './readme';
import { mayShare } from './rights';
import { modeText, sizeText, userText } from './words';

/** What the dialogs need. */
export interface IDialogOptions {
  readonly app: JupyterFrontEnd;
  readonly datasets: DatasetsModel;
  readonly project: IProjectModel;
  readonly rendermime: IRenderMimeRegistry | null;
  readonly trans: TranslationBundle;
  /** Opens a window in which something is decided. */
  readonly decide: (path: string) => void;
}

/** Shows who has access to a dataset of the project; leads to where that is changed. */
export async function showUsers(
  dataset: IDatasetEntry,
  options: IDialogOptions
): Promise<void> {
  const { datasets, project, trans, decide } = options;
  const detail = await read(dataset, datasets, trans);
  if (detail === null) {
    return;
  }
  const own = project.project.value;
  const result = await showDialog({
    title: trans.__('Who has access to %1', dataset.name),
    body: ReactWidget.create(
      <UserList detail={detail} members={own?.members ?? []} trans={trans} />
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Close') }),
      ...(mayShare(dataset, own?.role ?? null)
        ? [Dialog.okButton({ label: trans.__('Share or End Shares…') })]
        : [])
    ]
  });
  if (result.button.accept && dataset.sharing !== null) {
    decide(dataset.sharing);
  }
}

/** Shows what a dataset is: its description, size and README. */
export async function describe(
  dataset: IDatasetEntry,
  options: IDialogOptions
): Promise<void> {
  const { app, datasets, rendermime, trans } = options;
  const detail = await read(dataset, datasets, trans);
  if (detail === null) {
    return;
  }
  const body = new Panel();
  body.addClass('jp-Hops-description');
  body.addWidget(
    ReactWidget.create(<Description detail={detail} trans={trans} />)
  );
  if (detail.readme !== null && rendermime !== null) {
    const readme = new Readme(
      detail.readme,
      app.serviceManager.contents,
      rendermime,
      trans
    );
    await readme.read();
    body.addWidget(readme);
  }
  const result = await showDialog({
    title: dataset.name,
    body,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Close') }),
      Dialog.okButton({ label: trans.__("Open the Dataset's Page") })
    ]
  });
  if (result.button.accept) {
    openPage(dataset.page);
  }
}

/** A dataset's own members and the projects that have it. */
export function UserList(props: {
  readonly detail: Pick<IDatasetDetail, 'users'>;
  readonly members: readonly IMember[];
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { detail, members, trans } = props;
  const users = detail.users ?? [];
  return (
    <div className="jp-Hops-users">
      <h3>{trans.__('Members of this project')}</h3>
      <ul className="jp-Hops-list">
        {members.map(({ user, title, role }) => (
          <li key={user}>
            <strong>{title}</strong>{' '}
            <span className="jp-Hops-muted">{roleText(role, trans)}</span>
          </li>
        ))}
      </ul>
      <h3>{trans.__('Other projects')}</h3>
      {users.length === 0 ? (
        <p className="jp-Hops-muted">{trans.__('No other project has it.')}</p>
      ) : (
        <ul className="jp-Hops-list">
          {users.map(user => (
            <li key={user.project}>
              <strong>{user.project}</strong>{' '}
              <span className="jp-Hops-muted">{userText(user, trans)}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** What is known of a dataset beside its README. */
export function Description(props: {
  readonly detail: IDatasetDetail;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { detail, trans } = props;
  const { shared } = detail;
  return (
    <div>
      <p>
        {detail.description ??
          trans.__('No description. A Data Owner writes one on its page.')}
      </p>
      <dl className="jp-Hops-resources">
        {detail.size !== null && (
          <>
            <dt>{trans.__('Size')}</dt>
            <dd>{sizeText(detail.size, trans)}</dd>
          </>
        )}
        {detail.isStored && (
          <>
            <dt>{trans.__('Lies on')}</dt>
            <dd>{trans.__("The site's storage, not this server's disk")}</dd>
          </>
        )}
        {shared !== null && (
          <>
            <dt>{trans.__('Owned by')}</dt>
            <dd>{shared.project}</dd>
            <dt>{trans.__('Here')}</dt>
            <dd>{modeText(shared.mode, shared.download, trans)}</dd>
          </>
        )}
      </dl>
    </div>
  );
}

async function read(
  dataset: IDatasetEntry,
  datasets: DatasetsModel,
  trans: TranslationBundle
): Promise<IDatasetDetail | null> {
  try {
    return await datasets.describe(dataset.name);
  } catch (reason) {
    tellFailure(reason, trans);
    return null;
  }
}
