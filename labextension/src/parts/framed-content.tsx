import type { TranslationBundle } from '@jupyterlab/translation';
import { IFrame, ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import * as React from 'react';
import { problemOf } from '../api/problem';
import { ProblemView } from './problem';

/**
 * Pages of another program in a frame. They are asked for when they are first
 * seen, so that a restored workspace starts nothing that nobody looks at.
 */
export abstract class FramedContent extends Widget {
  constructor(protected readonly trans: TranslationBundle) {
    super();
    this.layout = new PanelLayout();
  }

  /** Asks for the pages and shows them anew. */
  abstract reload(): Promise<void>;

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.startOnce();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.startOnce();
  }

  /** Says `text` instead of what was shown; disposed when something else is shown instead, or this is closed. */
  protected wait(text: string): Widget {
    const waiting = new Widget({ node: document.createElement('p') });
    waiting.addClass('jp-Hops-empty');
    waiting.node.setAttribute('role', 'status');
    waiting.node.textContent = text;
    this.display(waiting);
    return waiting;
  }

  /** Shows why the pages can't be had, and a way to try again. */
  protected fail(reason: unknown): void {
    const { trans } = this;
    this.display(
      ReactWidget.create(
        <ProblemView
          problem={problemOf(reason, trans)}
          trans={trans}
          onRetry={() => {
            void this.reload();
          }}
        />
      )
    );
  }

  /** A frame with the page at `url`, and its name for those who don't see it. */
  protected frame(
    url: string,
    title: string,
    sandbox: IFrame.SandboxExceptions[]
  ): Widget {
    const frame = new IFrame({ sandbox, referrerPolicy: 'same-origin' });
    frame.url = url;
    const inner = frame.node.querySelector('iframe');
    if (inner !== null) {
      inner.title = title;
    }
    return frame;
  }

  /** Shows `widget` instead of what was shown. */
  protected display(widget: Widget): void {
    const layout = this.layout as PanelLayout;
    for (const shown of [...layout.widgets]) {
      shown.dispose();
    }
    layout.addWidget(widget);
  }

  private startOnce(): void {
    if (!this.isStarted && this.isVisible) {
      this.isStarted = true;
      void this.reload();
    }
  }

  private isStarted = false;
}
