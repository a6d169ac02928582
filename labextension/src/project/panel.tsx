import type { TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import * as React from 'react';
import type { IMember, IProject } from '../api/wire';
import { CommandIDs } from '../commands/ids';
import { PANEL_ID } from '../identity';
import { IconButton } from '../parts/icon-button';
import { projectIcon } from '../parts/icons';
import { ProblemView } from '../parts/problem';
import { roleText } from '../parts/roles';
import { SessionList } from '../parts/sessions';
import { Sidebar } from '../parts/sidebar';
import type { IProjectModel } from '../tokens';
import { DatasetsSection } from './datasets';
import { ResourceList } from './resources';
import { Section } from '../parts/section';

/** The sidebar *Project*: what this project is, what it holds, who is in it, and what of mine runs here. */
export class ProjectPanel extends Sidebar {
  constructor(
    private readonly model: IProjectModel,
    commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super({
      id: PANEL_ID,
      label: trans.__('Project'),
      icon: projectIcon,
      commands,
      models: [model]
    });
  }

  protected override render(): React.JSX.Element {
    const { model, trans, run } = this;
    return <PanelContent model={model} trans={trans} run={run} />;
  }
}

interface IContentProps {
  readonly model: IProjectModel;
  readonly trans: TranslationBundle;
  readonly run: (command: string, args?: ReadonlyPartialJSONObject) => void;
}

/** What the panel shows of the model at this moment. */
export function PanelContent(props: IContentProps): React.JSX.Element {
  const { model, trans, run } = props;
  const { value, problem } = model.project;
  const retry = (): void => {
    run(CommandIDs.refresh);
  };
  return (
    <>
      {problem !== null && (
        <ProblemView problem={problem} trans={trans} onRetry={retry} />
      )}
      {model.versionProblem !== null && (
        <ProblemView problem={model.versionProblem} trans={trans} />
      )}
      {value?.tokenProblem && (
        <ProblemView
          problem={value.tokenProblem}
          trans={trans}
          onRetry={retry}
          link={{ href: value.projectLink, text: trans.__('Project page') }}
        />
      )}
      {value === null && problem === null && (
        <p className="jp-Hops-empty" role="status">
          {trans.__('Reading the project…')}
        </p>
      )}
      {value !== null && (
        <>
          <Heading project={value} trans={trans} run={run} />
          <ServerSection project={value} trans={trans} run={run} />
        </>
      )}
      {(value !== null || model.sessions.value !== null) && (
        <SessionsSection {...props} />
      )}
      {value !== null && (
        <DatasetsSection
          project={value}
          trans={trans}
          onOpen={path => {
            // Goes there in the file browser, shows that, and says so itself where it can't.
            run('filebrowser:open-path', { path });
          }}
          onRetry={retry}
        />
      )}
      {value !== null && (
        <MembersSection project={value} trans={trans} onRetry={retry} />
      )}
    </>
  );
}

interface IPartProps {
  readonly project: IProject;
  readonly trans: TranslationBundle;
  readonly run: IContentProps['run'];
}

function Heading({ project, trans, run }: IPartProps): React.JSX.Element {
  return (
    <div className="jp-Hops-heading">
      <div className="jp-Hops-headingRow">
        <h2 className="jp-Hops-title">{project.title}</h2>
        <IconButton
          label={trans.__('Refresh')}
          onClick={() => {
            run(CommandIDs.refresh);
          }}
        >
          <refreshIcon.react tag="span" />
        </IconButton>
      </div>
      <p className="jp-Hops-muted">
        {trans.__(
          '%1 · you are %2',
          project.project,
          roleText(project.role, trans)
        )}
      </p>
      <nav
        className="jp-Hops-links"
        aria-label={trans.__('Pages of the project')}
      >
        <a href={project.projectLink} target="_blank" rel="noopener noreferrer">
          {trans.__('Project page')}
        </a>
        <a
          href={project.projectsLink}
          target="_blank"
          rel="noopener noreferrer"
        >
          {trans.__('My projects')}
        </a>
      </nav>
    </div>
  );
}

function ServerSection({ project, trans, run }: IPartProps): React.JSX.Element {
  return (
    <Section title={trans.__('My server')}>
      <ResourceList options={project.options} trans={trans} />
      <div className="jp-Hops-actions">
        <button
          type="button"
          className="jp-Hops-button jp-mod-styled"
          onClick={() => {
            run(CommandIDs.restartServer);
          }}
        >
          {trans.__('Restart…')}
        </button>
        <button
          type="button"
          className="jp-Hops-button jp-mod-styled"
          onClick={() => {
            run(CommandIDs.stopServer);
          }}
        >
          {trans.__('Stop…')}
        </button>
      </div>
    </Section>
  );
}

function SessionsSection({
  model,
  trans,
  run
}: IContentProps): React.JSX.Element {
  const { problem } = model.sessions;
  return (
    <Section title={trans.__('Spark sessions')}>
      {problem !== null && (
        <ProblemView
          problem={problem}
          trans={trans}
          onRetry={() => {
            run(CommandIDs.refresh);
          }}
        />
      )}
      <SessionList
        sessions={model.sessions}
        trans={trans}
        ownerOf={session => model.ownerOf(session)}
        onRestart={id => {
          run(CommandIDs.restartSession, { id });
        }}
        onEnd={id => {
          run(CommandIDs.endSession, { id });
        }}
      />
    </Section>
  );
}

function MembersSection(props: {
  readonly project: IProject;
  readonly trans: TranslationBundle;
  readonly onRetry: () => void;
}): React.JSX.Element {
  const { project, trans, onRetry } = props;
  const { members, membersProblem } = project;
  return (
    <Section title={trans.__('Members')} count={members.length}>
      {membersProblem !== null && (
        <ProblemView problem={membersProblem} trans={trans} onRetry={onRetry} />
      )}
      {members.length > 0 && (
        <ul
          className="jp-Hops-list"
          aria-label={trans.__('Members of the project')}
        >
          {members.map(member => (
            <Member
              key={member.user}
              member={member}
              isMe={member.user === project.user}
              trans={trans}
            />
          ))}
        </ul>
      )}
    </Section>
  );
}

function Member(props: {
  readonly member: IMember;
  readonly isMe: boolean;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { member, isMe, trans } = props;
  return (
    <li className="jp-Hops-item">
      <div className="jp-Hops-itemBody">
        <div className="jp-Hops-itemTitle">
          {isMe ? trans.__('%1 (you)', member.title) : member.title}
        </div>
        <div className="jp-Hops-muted">
          {member.title === member.user
            ? roleText(member.role, trans)
            : trans.__('%1 · %2', member.user, roleText(member.role, trans))}
        </div>
      </div>
    </li>
  );
}
