/** The signal arm. */
export const Logo = () => (
  <svg className="size-5 shrink-0" viewBox="0 0 20 20" aria-hidden="true">
    <path d="M5 1.5v17M2.5 18.5h5" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
    <rect x="5" y="3" width="12" height="5" rx="1" fill="currentColor" />
  </svg>
);
