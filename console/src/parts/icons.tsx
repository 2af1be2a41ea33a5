// Drawings of 20 by 20 in the colour of the text. Words stand beside them, so they are hidden from
// screen readers.

const PATHS = {
  bell: "M5 8a5 5 0 0 1 10 0c0 4 2 5 2 5H3s2-1 2-5M8.500 16a1.600 1.600 0 0 0 3 0",
  sync: "M16 8A6.300 6.300 0 0 0 4.600 6.500M4 3v4h4M4 12a6.300 6.300 0 0 0 11.400 1.500M16 17v-4h-4",
  sun: "M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7M10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.300 4.300l1 1M14.700 14.700l1 1M4.300 15.700l1-1M14.700 5.300l1-1",
  moon: "M16.500 12A7 7 0 1 1 8 3.500a5.500 5.500 0 0 0 8.500 8.500",
  close: "M5 5l10 10M15 5L5 15",
  out: "M8 4H4v12h4M12 6l4 4-4 4M16 10H8",
  down: "M6 8l4 4 4-4",
  right: "M8 6l4 4-4 4",
  warning: "M10 3L2.500 16.500h15L10 3M10 8.500v3.500M10 14.200v.3",
  search: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4M13 13l4 4",
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
