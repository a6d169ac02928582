import type { TranslationBundle } from '@jupyterlab/translation';
import { IFrame } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';

/** Spark's own pages of a session, in a frame; they are read when they are first seen. */
export class SparkPagesContent extends Widget {
  /**
   * @param session - number of the session.
   * @param url - of the first page.
   */
  constructor(
    readonly session: number,
    readonly url: string,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-Hops-sparkPages');
    this.layout = new PanelLayout();
  }

  /** Shows the first page anew. */
  reload(): void {
    const layout = this.layout as PanelLayout;
    for (const shown of [...layout.widgets]) {
      shown.dispose();
    }
    const waiting = new Widget();
    waiting.addClass('jp-Hops-empty');
    waiting.node.setAttribute('role', 'status');
    waiting.node.textContent = this.trans.__('Reading the pages of Spark…');
    layout.addWidget(waiting);
    layout.addWidget(
      this.frame(() => {
        waiting.dispose();
      })
    );
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
      this.reload();
    }
  }

  private frame(onLoad: () => void): Widget {
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
    frame.url = this.url;
    return frame;
  }

  private isStarted = false;
}
