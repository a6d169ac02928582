import * as React from 'react';

/** A button that shows a picture; its label is its name and what the pointer tells. */
export function IconButton(props: {
  readonly label: string;
  readonly onClick: () => void;
  readonly expanded?: boolean;
  readonly controls?: string;
  readonly children: React.ReactNode;
}): React.JSX.Element {
  const { label, expanded, controls, onClick, children } = props;
  return (
    <button
      type="button"
      className="jp-Hops-iconButton"
      title={label}
      aria-label={label}
      aria-expanded={expanded}
      aria-controls={controls}
      onClick={onClick}
    >
      {children}
    </button>
  );
}
