"""One AutoIFS training step in plain PyTorch, for speed comparisons with `tributary bench train`.

Written from the paper's equations the way PyTorch code is usually written: an nn.Embedding with dense gradients, a
low-rank kernel gathered per row, one gate head per task, torch.optim.Adam with coupled L2 on two parameter groups.

    python3 scripts/compare/autoifs_pytorch.py --vocabulary 13000 --steps 8 [--threads 2] [--phase search|retrain]

Prints one JSON object: median and minimum milliseconds of a whole step.
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn

FIELDS, DIM, SCENARIOS, TASKS, RANK = 8, 16, 3, 2, 2
H1, H2, H3 = 1024, 512, 256


class AutoIFS(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, DIM)
        self.gate_embedding = nn.Embedding(vocabulary, DIM).requires_grad_(False)
        mlp = lambda: nn.Sequential(nn.Linear(FIELDS * DIM, H1), nn.ReLU(), nn.Linear(H1, H2), nn.ReLU())
        self.shared, self.gate_net = mlp(), mlp()
        self.gate_heads = nn.ModuleList(nn.Linear(H2, 4) for _ in range(TASKS))
        weight = lambda *shape: nn.Parameter(torch.randn(*shape) * 0.05)
        self.scenario_kernel, self.scenario_bias = weight(H2, H3), nn.Parameter(torch.zeros(H3))
        self.scenario_down, self.scenario_up = weight(SCENARIOS, H2, RANK), weight(SCENARIOS, RANK, H3)
        self.scenario_own_bias = nn.Parameter(torch.zeros(SCENARIOS, H3))
        self.task_kernel, self.task_bias = weight(H3, 1), nn.Parameter(torch.zeros(1))
        self.task_down, self.task_up = weight(TASKS, H3, RANK), weight(TASKS, RANK, 1)
        self.task_own_bias = nn.Parameter(torch.zeros(TASKS, 1))

    def forward(self, ids, scenario, temperature, hard):
        e = self.embedding(ids).flatten(1)
        h = self.shared(e)
        shared = h @ self.scenario_kernel + self.scenario_bias
        reduced = torch.bmm(h.unsqueeze(1), self.scenario_down[scenario])
        specific = torch.bmm(reduced, self.scenario_up[scenario]).squeeze(1) + self.scenario_own_bias[scenario]
        merged = torch.relu(shared + specific)
        source = self.gate_embedding(ids).flatten(1) if hard else e.detach()
        gate_hidden = self.gate_net(source)
        logits = []
        for t in range(TASKS):
            common = lambda x: x @ self.task_kernel + self.task_bias
            own = lambda x: (x @ self.task_down[t]) @ self.task_up[t] + self.task_own_bias[t]
            raw = self.gate_heads[t](gate_hidden)
            gate = (raw > 0).float().detach() if hard else torch.sigmoid(temperature * raw)
            flows = torch.cat([common(shared), own(specific), own(shared), common(specific)], 1)
            logits.append(common(merged) + own(merged) - (gate * flows).sum(1, keepdim=True))
        return torch.cat(logits, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vocabulary", type=int, default=13000)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--phase", choices=["search", "retrain"], default="search")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    hard = options.phase == "retrain"
    model = AutoIFS(options.vocabulary)
    gates = [p for n, p in model.named_parameters() if "gate" in n and p.requires_grad]
    weights = [p for n, p in model.named_parameters() if "gate" not in n]
    groups = [{"params": weights, "lr": 3e-4, "weight_decay": 3e-5}]
    if not hard:
        groups.append({"params": gates, "lr": 3e-6})
    optimizer = torch.optim.Adam(groups)
    ids = torch.randint(0, options.vocabulary, (options.batch, FIELDS))
    scenario = torch.randint(0, SCENARIOS, (options.batch,))
    labels = torch.randint(0, 2, (options.batch, TASKS)).float()
    times = []
    for _ in range(options.steps + 2):
        start = time.perf_counter()
        loss = nn.functional.binary_cross_entropy_with_logits(model(ids, scenario, 1.0, hard), labels) * TASKS
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        times.append((time.perf_counter() - start) * 1000)
    times = times[2:]
    print(json.dumps({
        "phase": options.phase, "vocabulary": options.vocabulary, "threads": options.threads,
        "medianMs": round(statistics.median(times), 1), "minMs": round(min(times), 1), "torch": torch.__version__,
    }))


if __name__ == "__main__":
    main()
