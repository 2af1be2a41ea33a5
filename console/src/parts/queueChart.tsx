import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Sample } from "../pages/OperatorsPage";
import { tick } from "./time";

const HEIGHT = 220;
const SHORTEST_SECONDS = 60;
/** Pixels that a time of day needs. */
const TICK_SPACE = 90;
const AXIS_HEIGHT = 36;

/** Lines of waiting and running runs. The numbers are in the table of queues, too. */
export default function QueueChart({ samples }: { samples: Sample[] }) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(null);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim();
    const axis = {
      stroke: () => getComputedStyle(element).color,
      grid: { stroke: "#8884", width: 1 },
    };
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        scales: {
          x: { range: (_, first, last) => [Math.min(first, last - SHORTEST_SECONDS), last] },
          y: { range: (_, __, most) => [0, Math.max(5, most)] },
        },
        legend: { live: false },
        axes: [
          {
            ...axis,
            space: TICK_SPACE,
            size: AXIS_HEIGHT,
            values: (_, ticks, __, ___, apart) => ticks.map((at) => tick(at, apart)),
          },
          { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] },
        ],
        series: [
          {},
          { label: "Waiting", stroke: () => colour("--chart-waiting"), width: 2 },
          { label: "Running", stroke: () => colour("--chart-running"), width: 2 },
        ],
      },
      [[], [], []],
      element,
    );
    chart.current = made;
    const resized = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, []);
  useEffect(() => {
    chart.current?.setData([
      samples.map((one) => one.at),
      samples.map((one) => one.waiting),
      samples.map((one) => one.running),
    ]);
  }, [samples]);
  const last = samples.at(-1);
  return (
    <div
      className="chart card"
      ref={place}
      role="img"
      aria-label={`${last?.waiting ?? 0} waiting, ${last?.running ?? 0} running now`}
    />
  );
}
