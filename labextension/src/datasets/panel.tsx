import type { TranslationBundle } from '@jupyterlab/translation';
import { ellipsesIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Menu } from '@lumino/widgets';
import * as React from 'react';
import type {
  IDatasetEntry,
  IDatasetList,
  IWaitingShare
} from '../api/datasets';
import type { ProjectRole } from '../api/wire';
import { CommandIDs } from '../commands/ids';
import { DATASETS_PANEL_ID } from '../identity';
import { DatasetRow } from '../parts/dataset-row';
import { datasetsIcon } from '../parts/icons';
import { PanelHead } from '../parts/panel-head';
import { Section } from '../parts/section';
import { Sidebar } from '../parts/sidebar';
import type { IProjectModel } from '../tokens';
import type { DatasetsModel } from './model';
import { mayGiveBack } from './rights';
import { modeText } from './words';

/** The sidebar *Datasets*: those of the project, those that others share with it, and the way to more. */
export class DatasetsPanel extends Sidebar {
  constructor(
    private readonly datasets: DatasetsModel,
    private readonly project: IProjectModel,
    commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super({
      id: DATASETS_PANEL_ID,
      label: trans.__('Datasets'),
      icon: datasetsIcon,
      commands,
      models: [project, datasets],
      watched: datasets
    });
  }

  override dispose(): void {
    this.menu?.dispose();
    super.dispose();
  }

  protected override render(): React.JSX.Element {
    return (
      <PanelContent
        list={this.datasets.list}
        role={this.project.project.value?.role ?? null}
        trans={this.trans}
        run={this.run}
        onMenu={(dataset, button) => {
          this.openMenu(dataset, button);
        }}
      />
    );
  }

  private openMenu(dataset: IDatasetEntry, button: HTMLElement): void {
    const { commands } = this;
    const args = { dataset: dataset.name };
    this.menu?.dispose();
    const menu = (this.menu = new Menu({ commands }));
    for (const command of [
      CommandIDs.openDataset,
      CommandIDs.shareDataset,
      CommandIDs.publishDataset,
      CommandIDs.showDatasetUsers,
      CommandIDs.describeDataset,
      CommandIDs.downloadFromDataset
    ]) {
      menu.addItem({ command, args });
    }
    if (mayGiveBack(dataset, this.project.project.value?.role ?? null)) {
      menu.addItem({ command: CommandIDs.answerOffers, args });
    }
    menu.aboutToClose.connect(() => {
      button.setAttribute('aria-expanded', 'false');
      button.focus();
    });
    button.setAttribute('aria-expanded', 'true');
    const { left, bottom } = button.getBoundingClientRect();
    menu.open(left, bottom);
  }

  private menu: Menu | null = null;
}

interface IContentProps {
  readonly list: DatasetsModel['list'];
  readonly role: ProjectRole | null;
  readonly trans: TranslationBundle;
  readonly run: (command: string, args?: ReadonlyPartialJSONObject) => void;
  readonly onMenu: (dataset: IDatasetEntry, button: HTMLElement) => void;
}

/** What the panel shows of the model at this moment. */
export function PanelContent(props: IContentProps): React.JSX.Element {
  const { list, trans, run } = props;
  const { value, problem } = list;
  const refresh = (): void => {
    run(CommandIDs.refreshDatasets);
  };
  return (
    <>
      <PanelHead
        title={trans.__('Datasets')}
        count={value === null ? null : countText(value, trans)}
        problem={problem}
        reading={trans.__('Reading the datasets…')}
        trans={trans}
        onRefresh={refresh}
      />
      {value !== null && (
        <>
          {value.waiting.length > 0 && <Waiting {...props} list={value} />}
          <Group {...props} items={value.items} isOwn={true} />
          <Group {...props} items={value.items} isOwn={false} />
          <Finding trans={trans} run={run} />
        </>
      )}
    </>
  );
}

function Waiting(
  props: Pick<IContentProps, 'role' | 'trans' | 'run'> & {
    readonly list: IDatasetList;
  }
): React.JSX.Element {
  const { list, role, trans, run } = props;
  return (
    <Section
      title={trans.__('Waiting for an answer')}
      count={list.waiting.length}
    >
      <ul
        className="jp-Hops-list"
        aria-label={trans.__('Datasets that are offered or asked for')}
      >
        {list.waiting.map(share => (
          <li
            key={`${share.project}/${share.dataset}`}
            className="jp-Hops-item jp-Hops-dataset"
          >
            <div className="jp-Hops-itemTitle">
              {share.project}/{share.dataset}
            </div>
            <div className="jp-Hops-muted">
              <p>{waitingText(share, trans)}</p>
              {share.description !== null && <p>{share.description}</p>}
            </div>
          </li>
        ))}
      </ul>
      {role === 'data_owner' && (
        <div className="jp-Hops-actions">
          <button
            type="button"
            className="jp-Hops-button jp-mod-styled"
            onClick={() => {
              run(CommandIDs.answerOffers);
            }}
          >
            {trans.__('Answer…')}
          </button>
        </div>
      )}
      {role === 'data_scientist' && (
        <p className="jp-Hops-empty">
          {trans.__('A Data Owner of this project answers.')}
        </p>
      )}
    </Section>
  );
}

function Group(
  props: IContentProps & {
    readonly items: readonly IDatasetEntry[];
    readonly isOwn: boolean;
  }
): React.JSX.Element {
  const { isOwn, trans, run, onMenu } = props;
  const items = props.items.filter(item => (item.shared === null) === isOwn);
  return (
    <Section
      title={isOwn ? trans.__('Of this project') : trans.__('Shared by others')}
      count={items.length}
    >
      {items.length === 0 && (
        <p className="jp-Hops-empty">
          {isOwn
            ? trans.__(
                'No datasets. A Data Owner creates one on the page of the project.'
              )
            : trans.__(
                'No other project shares a dataset with this one. Ask one of its Data Owners, or find a published one below.'
              )}
        </p>
      )}
      {items.length > 0 && (
        <ul
          className="jp-Hops-list"
          aria-label={
            isOwn
              ? trans.__('Datasets of this project')
              : trans.__('Datasets of other projects')
          }
        >
          {items.map(dataset => (
            <Item
              key={dataset.name}
              dataset={dataset}
              trans={trans}
              onOpen={() => {
                run(CommandIDs.openDataset, { dataset: dataset.name });
              }}
              onMenu={button => {
                onMenu(dataset, button);
              }}
            />
          ))}
        </ul>
      )}
    </Section>
  );
}

function Item(props: {
  readonly dataset: IDatasetEntry;
  readonly trans: TranslationBundle;
  readonly onOpen: () => void;
  readonly onMenu: (button: HTMLElement) => void;
}): React.JSX.Element {
  const { dataset, trans, onOpen, onMenu } = props;
  const { name, description, shared } = dataset;
  const mode =
    shared === null ? null : modeText(shared.mode, shared.download, trans);
  return (
    <DatasetRow
      name={name}
      text={shared === null ? name : `${shared.project}/${shared.dataset}`}
      remarks={[mode, description]}
      trans={trans}
      onOpen={onOpen}
    >
      <button
        type="button"
        className="jp-Hops-iconButton"
        title={trans.__('Actions for %1', name)}
        aria-label={trans.__('Actions for %1', name)}
        aria-haspopup="menu"
        aria-expanded="false"
        onClick={event => {
          onMenu(event.currentTarget);
        }}
      >
        <ellipsesIcon.react tag="span" />
      </button>
    </DatasetRow>
  );
}

function Finding(
  props: Pick<IContentProps, 'trans' | 'run'>
): React.JSX.Element {
  const id = React.useId();
  const [search, setSearch] = React.useState('');
  const { trans, run } = props;
  return (
    <Section title={trans.__('Published here')}>
      <form
        className="jp-Hops-search"
        role="search"
        aria-label={trans.__('Published datasets')}
        onSubmit={event => {
          event.preventDefault();
          run(CommandIDs.findDatasets, { search: search.trim() });
        }}
      >
        <label htmlFor={id}>
          {trans.__('Find one, and add it to this project')}
        </label>
        <div className="jp-Hops-searchRow">
          <input
            id={id}
            type="search"
            className="jp-mod-styled"
            maxLength={200}
            placeholder={trans.__('name or words')}
            value={search}
            onChange={event => {
              setSearch(event.target.value);
            }}
          />
          <button type="submit" className="jp-Hops-button jp-mod-styled">
            {trans.__('Find…')}
          </button>
        </div>
      </form>
    </Section>
  );
}

function waitingText(share: IWaitingShare, trans: TranslationBundle): string {
  const mode = modeText(share.mode, share.download, trans);
  return share.state === 'asked'
    ? trans.__('%1 · you have asked for it', mode)
    : trans.__('%1 · offered to this project', mode);
}

/** How many there are: `7 of this project, 1 shared by others`. */
export function countText(
  list: Pick<IDatasetList, 'items'>,
  trans: TranslationBundle
): string {
  const own = list.items.filter(({ shared }) => shared === null).length;
  return trans.__(
    '%1 of this project, %2 shared by others',
    own,
    list.items.length - own
  );
}
