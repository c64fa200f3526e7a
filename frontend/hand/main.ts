/** A rest-pose hand that turns slowly, with its length and width drawn on it: `[data-hand]` is the URL of its GLB. */
import {
  AmbientLight,
  Box3,
  DirectionalLight,
  Group,
  Matrix4,
  Mesh,
  MeshBasicMaterial,
  MeshStandardMaterial,
  PerspectiveCamera,
  Scene,
  SphereGeometry,
  Vector3,
  WebGLRenderer,
} from "three";
import { Line2 } from "three/addons/lines/Line2.js";
import { LineGeometry } from "three/addons/lines/LineGeometry.js";
import { LineMaterial } from "three/addons/lines/LineMaterial.js";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";

const TURN_SECONDS = 14;
const DOT_M = 0.0016;

function colour(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** A line with a dot at either end, visible through the hand. */
function drawSpan(from: Vector3, to: Vector3): Group {
  const drawn = { color: colour("--measure"), depthTest: false, transparent: true };
  const dots = [from, to].map((end) => {
    const dot = new Mesh(new SphereGeometry(DOT_M), new MeshBasicMaterial(drawn));
    dot.position.copy(end);
    return dot;
  });
  const geometry = new LineGeometry().setPositions([...from.toArray(), ...to.toArray()]);
  return new Group().add(new Line2(geometry, new LineMaterial({ ...drawn, linewidth: 2.5 })), ...dots);
}

interface Span {
  ends: [Vector3, Vector3];
  /** Where the label stands: 0 at the first end, 1 at the other, outside beyond them. */
  at: number;
  label: HTMLElement;
}

/** Between which the hand's length and width are measured. */
interface Landmarks {
  wrist: Vector3;
  tip: Vector3; // of the middle finger
  index: Vector3; // knuckles
  little: Vector3;
}

/** The four landmarks as the page gives them, in metres. */
function landmarks(host: HTMLElement): Landmarks {
  const points = JSON.parse(host.dataset.spans ?? "[]") as [number, number, number][];
  const [wrist, tip, index, little] = points.map((point) => new Vector3(...point));
  if (!wrist || !tip || !index || !little) throw new Error(`${points.length} landmarks, expected 4`);
  return { wrist, tip, index, little };
}

/** Rotation that makes the fingers point up and the back of the hand face the viewer. */
function uprightRotation({ wrist, tip, index, little }: Landmarks): Matrix4 {
  const up = tip.clone().sub(wrist).normalize();
  const across = index.clone().sub(little);
  across.addScaledVector(up, -across.dot(up)).normalize();
  return new Matrix4().makeBasis(across, up, new Vector3().crossVectors(across, up)).transpose();
}

function label(host: HTMLElement, words: string): HTMLElement {
  const element = document.createElement("span");
  element.className = "measure";
  element.textContent = words;
  host.append(element);
  return element;
}

async function showHand(host: HTMLElement): Promise<void> {
  const gltf = await new GLTFLoader().loadAsync(host.dataset.hand as string);
  const renderer = new WebGLRenderer({ antialias: true, alpha: true });
  const size = Math.min(host.clientWidth || 320, 360);
  renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
  renderer.setSize(size, size);
  host.replaceChildren(renderer.domElement);
  const scene = new Scene();
  const turning = new Group();
  gltf.scene.traverse((node) => {
    if ((node as Mesh).isMesh) {
      (node as Mesh).geometry.computeVertexNormals();
      (node as Mesh).material = new MeshStandardMaterial({ color: "#c9a58c", roughness: 0.75 });
    }
  });
  const points = landmarks(host);
  const turn = uprightRotation(points);
  gltf.scene.applyMatrix4(turn);
  const middle = new Box3().setFromObject(gltf.scene).getCenter(new Vector3());
  gltf.scene.position.sub(middle);
  const { wrist, tip, index, little } = points;
  for (const point of [wrist, tip, index, little]) point.applyMatrix4(turn).sub(middle);
  const spans: Span[] = [
    { ends: [wrist, tip], at: -0.2, label: label(host, host.dataset.length ?? "") },
    { ends: [little, index], at: 1.5, label: label(host, host.dataset.width ?? "") },
  ];
  turning.add(gltf.scene, ...spans.map(({ ends }) => drawSpan(...ends)));
  scene.add(turning, new AmbientLight(0xffffff, 1.2));
  const light = new DirectionalLight(0xffffff, 2.2);
  light.position.set(0.4, 0.7, 1);
  scene.add(light);
  const camera = new PerspectiveCamera(30, 1, 0.01, 10);
  camera.position.set(0, 0.03, 0.5);
  camera.lookAt(0, 0, 0);
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const draw = (time: number) => {
    if (!host.isConnected) return renderer.dispose();
    turning.rotation.y = reducedMotion ? 0.5 : (2 * Math.PI * time) / 1000 / TURN_SECONDS;
    renderer.render(scene, camera);
    turning.updateMatrixWorld();
    for (const { ends, at, label } of spans) {
      const shown = ends[0].clone().lerp(ends[1], at).applyMatrix4(turning.matrixWorld).project(camera);
      label.style.transform = `translate(${((shown.x + 1) / 2) * size}px, ${((1 - shown.y) / 2) * size}px)`;
    }
    if (!reducedMotion) requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
}

function showAll(): void {
  for (const host of document.querySelectorAll<HTMLElement>("[data-hand]:empty")) {
    showHand(host).catch((error: unknown) => {
      host.textContent = `The hand cannot be drawn (${error instanceof Error ? error.message : "no WebGL"}).`;
    });
  }
}

showAll();
document.addEventListener("htmx:load", showAll);
