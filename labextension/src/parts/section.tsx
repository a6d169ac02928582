import * as React from 'react';

/** A part of the panel, under its title. */
export function Section(props: {
  readonly title: string;
  readonly count?: number;
  readonly children: React.ReactNode;
}): React.JSX.Element {
  const id = React.useId();
  const { title, count = 0, children } = props;
  return (
    <section className="jp-Hops-section" aria-labelledby={id}>
      <h3 id={id} className="jp-Hops-sectionTitle">
        {title}
        {count > 0 && <span className="jp-Hops-count">{count}</span>}
      </h3>
      {children}
    </section>
  );
}
