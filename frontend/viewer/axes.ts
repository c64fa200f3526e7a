/** The axes of the camera frame as the orbit camera sees them: x right, y down, z away from the camera (OpenCV). */

import { type Quaternion, Vector3 } from "three";

const AXES: Array<[name: string, direction: [number, number, number], light: string, dark: string]> = [
  ["x", [1, 0, 0], "#a8433a", "#e98a80"],
  ["y", [0, -1, 0], "#3f7a31", "#8cc57c"],
  ["z", [0, 0, -1], "#34639f", "#82b0e8"],
];

/** Draw them around (x, y) of a 2D canvas; `view` is the rotation of the orbit camera. */
export function drawAxes(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  length: number,
  view: Quaternion,
  dark: boolean,
): void {
  const toView = view.clone().invert();
  const ends = AXES.map(([name, direction, light, night]) => ({
    name,
    colour: dark ? night : light,
    end: new Vector3(...direction).applyQuaternion(toView),
  }));
  ends.sort((a, b) => a.end.z - b.end.z);
  context.save();
  context.lineWidth = length / 16;
  context.lineCap = "round";
  context.font = `500 ${length * 0.34}px Inter, system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { name, colour, end } of ends) {
    context.strokeStyle = context.fillStyle = colour;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + end.x * length * 0.75, y - end.y * length * 0.75);
    context.stroke();
    context.fillText(name, x + end.x * length, y - end.y * length);
  }
  context.restore();
}
