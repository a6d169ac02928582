import type { TranslationBundle } from '@jupyterlab/translation';
import { IFrame, ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import * as React from 'react';
import { problemOf } from '../api/problem';
import { ProblemView } from '../parts/problem';
import type { IProjectModel } from '../tokens';

/** Spark's own pages of a session, in a frame; they are read when they are first seen. */
export class SparkPagesContent extends Widget {
  /**
   * @param session - number of the session.
   * @param model - tells where its pages are.
   */
  constructor(
    readonly session: number,
    private readonly model: IProjectModel,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-Hops-sparkPages');
    this.layout = new PanelLayout();
  }

  /** Path of the first page; null until it is known. */
  get url(): string | null {
    return this._url;
  }

  /** Shows the first page anew; where it is may differ after a start of the server. */
  async reload(): Promise<void> {
    const layout = this.layout as PanelLayout;
    const waiting = this.wait();
    let url: string;
    try {
      url = await this.model.sparkPages(this.session);
    } catch (reason) {
      if (!waiting.isDisposed) {
        this.clear();
        layout.addWidget(this.failed(reason));
      }
      return;
    }
    // It was closed, or is shown anew already.
    if (waiting.isDisposed) {
      return;
    }
    this._url = url;
    layout.addWidget(
      this.frame(url, () => {
        waiting.dispose();
      })
    );
  }

  private wait(): Widget {
    this.clear();
    const waiting = new Widget();
    waiting.addClass('jp-Hops-empty');
    waiting.node.setAttribute('role', 'status');
    waiting.node.textContent = this.trans.__('Reading the pages of Spark…');
    (this.layout as PanelLayout).addWidget(waiting);
    return waiting;
  }

  private failed(reason: unknown): Widget {
    return ReactWidget.create(
      <ProblemView
        problem={problemOf(reason, this.trans)}
        trans={this.trans}
        onRetry={() => {
          void this.reload();
        }}
      />
    );
  }

  private clear(): void {
    for (const shown of [...(this.layout as PanelLayout).widgets]) {
      shown.dispose();
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
    if (!this.isStarted && this.isVisible) {
      this.isStarted = true;
      void this.reload();
    }
  }

  private frame(url: string, onLoad: () => void): Widget {
    const frame = new IFrame({
      // Their scripts fetch numbers from where the page is from, so it keeps its origin.
      sandbox: ['allow-downloads', 'allow-same-origin', 'allow-scripts'],
      referrerPolicy: 'same-origin'
    });
    const inner = frame.node.querySelector('iframe');
    if (inner !== null) {
      inner.title = this.trans.__('Spark UI of session %1', this.session);
      inner.addEventListener('load', onLoad, { once: true });
    }
    frame.url = url;
    return frame;
  }

  private isStarted = false;
  private _url: string | null = null;
}
