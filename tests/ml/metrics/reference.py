"""Every figure of FreiHAND's and HO3D's reports, one frame and one point at a time, straight from the definitions.

Slow on purpose and independent of `ml.metrics`: nothing is shared with the code under test but scipy's solution of the
orthogonal Procrustes problem, which is the definition.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import orthogonal_procrustes

EPSILON = 1e-8


def procrustes(truth, moving, points=None, *, rotation_only=False):
    """`points` (default: `moving` itself) under the similarity that brings moving [P, 3] closest to truth [P, 3]."""
    truth_mean, mean = truth.mean(0), moving.mean(0)
    a, b = truth - truth_mean, moving - mean
    truth_norm, norm = np.linalg.norm(a) + EPSILON, np.linalg.norm(b) + EPSILON
    if rotation_only:
        u, w, vt = np.linalg.svd((a / truth_norm).T @ (b / norm))
        sign = 1.0 if np.linalg.det(u) * np.linalg.det(vt) > 0 else -1.0
        turn, scale = u @ np.diag([1.0, 1.0, sign]) @ vt, w[0] + w[1] + sign * w[2]
    else:
        turn, scale = orthogonal_procrustes(a / truth_norm, b / norm)
    points = moving if points is None else points
    return ((points - mean) / norm) @ turn.T * scale * truth_norm + truth_mean


def scale_translation(truth, moving):
    """HO3D's: the bone 0-4 as long as in the truth, then the root laid upon the truth's."""
    long = np.sqrt(np.square(truth[4] - truth[0]).sum())
    short = np.sqrt(np.square(moving[4] - moving[0]).sum())
    scaled = (moving / short if short > 0 else moving) * long
    return scaled - scaled[0] + truth[0]


def distances(truth, moving):
    return [math.sqrt(sum((float(q[k]) - float(p[k])) ** 2 for k in range(3))) for p, q in zip(truth, moving, strict=True)]


def mean_and_auc(rows, low, high, steps):
    """Mean over frames for each point, then over points; trapezoid under the share within each threshold."""
    points = list(zip(*rows, strict=True))
    mean = sum(sum(p) / len(p) for p in points) / len(points)
    thresholds = [float(t) for t in np.linspace(low, high, steps)]
    shares = [sum(sum(1 for d in p if d <= t) / len(p) for p in points) / len(points) for t in thresholds]
    area = sum((shares[i] + shares[i + 1]) / 2 * (thresholds[i + 1] - thresholds[i]) for i in range(steps - 1))
    return mean, area / (high - low)


def f_score(truth, moving, limit):
    gaps = np.stack([np.sqrt(((moving - p) ** 2).sum(-1)) for p in truth])
    precision, recall = float((gaps.min(1) < limit).mean()), float((gaps.min(0) < limit).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def meshes_report(truth_xyz, truth_verts, xyz, verts):
    """The official figures (metres → cm) by the names of our own metrics without units."""
    same = truth_verts.shape[1] == verts.shape[1]
    rows = {k: [] for k in ("joint", "joint_ra", "joint_st", "joint_pa", "joint_pr", "vertex", "vertex_pa")}
    f = {k: [] for k in ("f5", "f15", "pa_f5", "pa_f15")}
    for gj, gv, pj, pv in zip(truth_xyz, truth_verts, xyz, verts, strict=True):
        rows["joint"].append(distances(gj, pj))
        rows["joint_ra"].append(distances(gj - gj[0], pj - pj[0]))
        rows["joint_st"].append(distances(gj, scale_translation(gj, pj)))
        rows["joint_pa"].append(distances(gj, procrustes(gj, pj)))
        rows["joint_pr"].append(distances(gj, procrustes(gj, pj, rotation_only=True)))
        aligned = procrustes(gv, pv) if same else procrustes(gj, pj, pv)
        if same:
            rows["vertex"].append(distances(gv, pv))
            rows["vertex_pa"].append(distances(gv, aligned))
        for t in (5, 15):
            f[f"f{t}"].append(f_score(gv, pv, t / 1000))
            f[f"pa_f{t}"].append(f_score(gv, aligned, t / 1000))
    names = {
        "joint": ("mpjpe", "auc_joints"),
        "joint_ra": ("ra_mpjpe", "ra_auc_joints"),
        "joint_st": ("st_mpjpe", "st_auc_joints"),
        "joint_pa": ("pa_mpjpe", "pa_auc_joints"),
        "joint_pr": ("pr_mpjpe", "pr_auc_joints"),
        "vertex": ("mpvpe", "auc_vertices"),
        "vertex_pa": ("pa_mpvpe", "pa_auc_vertices"),
    }
    out = {}
    for key, (mean, auc) in names.items():
        if rows[key]:
            m, a = mean_and_auc(rows[key], 0.0, 0.05, 100)
            out[mean], out[auc] = 1000 * m, a
    return out | {k: sum(v) / len(v) for k, v in f.items()}
