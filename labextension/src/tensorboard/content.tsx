import type { TranslationBundle } from '@jupyterlab/translation';
import { IFrame, ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import * as React from 'react';
import type { IProblem } from '../api/problem';
import { problemOf } from '../api/problem';
import type { ITensorBoard } from '../api/wire';
import { ProblemView } from '../parts/problem';
import type { IProjectModel } from '../tokens';

/**
 * A TensorBoard in a frame. It is started when it is first seen, so that a
 * restored workspace does not start what nobody looks at.
 */
export class TensorBoardContent extends Widget {
  /**
   * @param logdir - log directory, relative to the project's folder.
   */
  constructor(
    readonly logdir: string,
    private readonly model: IProjectModel,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-Hops-tensorboard');
    this.layout = new PanelLayout();
  }

  /** The TensorBoard that is shown; null until it has started. */
  get tensorboard(): ITensorBoard | null {
    return this._tensorboard;
  }

  /** Shows the TensorBoard anew; starts it again if it has ended. */
  async reload(): Promise<void> {
    this._tensorboard = null;
    this.display(new Waiting(this.trans));
    try {
      this._tensorboard = await this.model.startTensorBoard(this.logdir);
    } catch (reason) {
      if (!this.isDisposed) {
        this.display(
          new Failed(problemOf(reason, this.trans), this.trans, () => {
            void this.reload();
          })
        );
      }
      return;
    }
    if (!this.isDisposed) {
      this.display(this.frame(this._tensorboard.url));
    }
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.startOnce();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.startOnce();
  }

  private startOnce(): void {
    if (!this.started && this.isVisible) {
      this.started = true;
      void this.reload();
    }
  }

  private frame(url: string): Widget {
    const frame = new IFrame({
      sandbox: [
        'allow-downloads',
        'allow-forms',
        'allow-popups',
        'allow-same-origin',
        'allow-scripts'
      ],
      referrerPolicy: 'same-origin'
    });
    frame.url = url;
    const inner = frame.node.querySelector('iframe');
    if (inner !== null) {
      inner.title = this.trans.__('TensorBoard over %1', this.logdir);
    }
    return frame;
  }

  private display(widget: Widget): void {
    const layout = this.layout as PanelLayout;
    for (const shown of [...layout.widgets]) {
      shown.dispose();
    }
    layout.addWidget(widget);
  }

  private started = false;
  private _tensorboard: ITensorBoard | null = null;
}

class Waiting extends ReactWidget {
  constructor(private readonly trans: TranslationBundle) {
    super();
  }

  protected override render(): React.JSX.Element {
    return (
      <p className="jp-Hops-empty" role="status">
        {this.trans.__('Starting TensorBoard…')}
      </p>
    );
  }
}

class Failed extends ReactWidget {
  constructor(
    private readonly problem: IProblem,
    private readonly trans: TranslationBundle,
    private readonly onRetry: () => void
  ) {
    super();
  }

  protected override render(): React.JSX.Element {
    return (
      <ProblemView
        problem={this.problem}
        trans={this.trans}
        onRetry={this.onRetry}
      />
    );
  }
}
