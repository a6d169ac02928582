import { GroupItem, TextItem, showPopup } from '@jupyterlab/statusbar';
import type { Popup } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';
import { CommandIDs } from '../commands/ids';
import { ProblemView } from '../parts/problem';
import { SessionList, StateDot } from '../parts/sessions';
import { foremost, isFinal, stateWords } from '../parts/states';
import type { IProjectModel } from '../tokens';

/** The status bar's word on my Spark sessions; a click shows them. */
export class SessionStatus extends ReactWidget {
  constructor(
    private readonly model: IProjectModel,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mod-highlighted');
  }

  protected override render(): React.JSX.Element {
    return (
      <UseSignal signal={this.model.changed} initialSender={this.model}>
        {() => (
          <StatusButton
            model={this.model}
            trans={this.trans}
            onClick={() => {
              this.togglePopup();
            }}
          />
        )}
      </UseSignal>
    );
  }

  private togglePopup(): void {
    if (this.popup !== null && !this.popup.isDisposed) {
      this.popup.dispose();
      return;
    }
    const body = new SessionDetails(this.model, this.commands, this.trans);
    this.popup = showPopup({
      body,
      anchor: this,
      align: 'left',
      hasDynamicSize: true
    });
    // Keys go to the popup while it is open, and back to the status bar.
    body.node.focus();
    this.popup.disposed.connect(() => {
      this.node.querySelector('button')?.focus();
    }, this);
  }

  private popup: Popup | null = null;
}

/** The status item itself. */
export function StatusButton(props: {
  readonly model: IProjectModel;
  readonly trans: TranslationBundle;
  readonly onClick: () => void;
}): React.JSX.Element {
  const { model, trans, onClick } = props;
  const { text, state } = statusOf(model, trans);
  return (
    <button
      type="button"
      className="jp-Hops-status"
      title={trans.__('Show my Spark sessions')}
      aria-haspopup="dialog"
      onClick={onClick}
    >
      <GroupItem spacing={4}>
        <StateDot state={state} />
        <TextItem source={text} />
      </GroupItem>
    </button>
  );
}

function statusOf(
  model: IProjectModel,
  trans: TranslationBundle
): { text: string; state: string } {
  const { value, problem } = model.sessions;
  if (problem !== null) {
    return { text: trans.__('Spark: unknown'), state: 'error' };
  }
  const session = foremost(value ?? []);
  if (session === null) {
    return {
      text:
        value === null ? trans.__('Spark: …') : trans.__('Spark: no session'),
      state: 'killed'
    };
  }
  const state = stateWords(session, trans);
  const others = (value ?? []).filter(
    other => other.id !== session.id && !isFinal(other.state)
  ).length;
  return {
    text:
      others > 0
        ? trans.__('Spark: %1 (+%2)', state, others)
        : trans.__('Spark: %1', state),
    state: session.state
  };
}

/** What the popup shows. */
class SessionDetails extends ReactWidget {
  constructor(
    private readonly model: IProjectModel,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-Hops-popup');
    this.node.tabIndex = -1;
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute('aria-label', trans.__('My Spark sessions'));
  }

  protected override render(): React.JSX.Element {
    const run = (command: string, id?: number): void => {
      void this.commands.execute(command, id === undefined ? {} : { id });
    };
    return (
      <UseSignal signal={this.model.changed} initialSender={this.model}>
        {() => {
          const { problem } = this.model.sessions;
          return (
            <>
              {problem !== null && (
                <ProblemView
                  problem={problem}
                  trans={this.trans}
                  onRetry={() => {
                    run(CommandIDs.refresh);
                  }}
                />
              )}
              <SessionList
                sessions={this.model.sessions}
                trans={this.trans}
                ownerOf={session => this.model.ownerOf(session)}
                onRestart={id => {
                  run(CommandIDs.restartSession, id);
                }}
                onEnd={id => {
                  run(CommandIDs.endSession, id);
                }}
              />
              <div className="jp-Hops-actions">
                <button
                  type="button"
                  className="jp-Hops-button jp-mod-styled"
                  onClick={() => {
                    run(CommandIDs.showSessions);
                  }}
                >
                  {this.trans.__('Show sessions')}
                </button>
                <button
                  type="button"
                  className="jp-Hops-button jp-mod-styled"
                  onClick={() => {
                    run(CommandIDs.showProject);
                  }}
                >
                  {this.trans.__('Show project')}
                </button>
              </div>
            </>
          );
        }}
      </UseSignal>
    );
  }
}
