# ---
# jupyter:
#   vitsim: {pt: 05_quao_certos}
# ---

# %% [markdown] lang="en"
# # 05 · How sure are we?
#
# Lesson 04 ranked the gallery. Now someone calls an owner: "we may have found your dog". How often
# is that wrong, and how well do we know?
#
# **You will be able to**
# - choose a threshold and report its errors in the terms of ISO/IEC 19795-1;
# - put an interval with 95 % coverage around an error rate;
# - say how errors grow with the gallery, and which threshold an owner's losses call for.
#
# **Time:** 60 minutes and 30 for the exercises. **You need:** lessons 03 and 04; no network.

# %% [markdown] lang="pt"
# # 05 · Quanta certeza temos?
#
# A aula 04 ordenou a galeria. Agora alguém liga para um tutor: "talvez tenhamos encontrado seu
# cão". Com que frequência isso está errado, e quanta certeza temos?
#
# **Ao final, você saberá**
# - escolher um limiar e relatar seus erros nos termos da ISO/IEC 19795-1;
# - construir, para uma taxa de erro, um intervalo com cobertura de 95 %;
# - dizer como os erros crescem com a galeria, e qual limiar as perdas do tutor pedem.
#
# **Tempo:** 60 minutos, mais 30 para os exercícios. **Requisitos:** aulas 03 e 04; internet, não.

# %%
import numpy as np
from PIL import Image
from scipy.optimize import minimize
from scipy.special import betaln, comb, expit, logit
from scipy.stats import norm, t

try:
    from vitsim import background, datasets, evaluation, images, plots, similarity
except ModuleNotFoundError:
    # %pip install --quiet "vitsim[notebooks] @ git+{{repository}}"
    # %env VITSIM_LANG={{language}}
    from vitsim import background, datasets, evaluation, images, plots, similarity
from vitsim.encoder import Encoder
from vitsim.exercises import check

# %matplotlib inline
print("vitsim ✓")

# %%
model = None  # "google/vit-base-patch16-224", "facebook/dinov2-small"

encoder = Encoder.load(model)
plots.name_model(encoder.name)
print(encoder.name, encoder.size, encoder.dim)

# %% [markdown] lang="en"
# The gallery holds 50 pets, three photos each. We ask with three more of each, and of ten
# **strangers**, pets that are not in it; all cut out and cropped.

# %% [markdown] lang="pt"
# A galeria tem 50 animais, três fotos cada. As consultas são outras três de cada um e de dez
# **estranhos**, fora dela; todas recortadas e enquadradas.


# %%
def embedded(photos):
    cuts = [
        background.cut_out(images.open_photo(photo), Image.open(mask), crop=True)
        for photo, mask in zip(photos["photo"], photos["mask"], strict=True)
    ]
    return encoder.embed(cuts, progress=encoder.name != "tiny")


gallery = datasets.pets("gallery")
asked = datasets.pets().query("role != 'gallery'").groupby("pet").head(3)
scores = similarity.cosine_similarity(embedded(asked), embedded(gallery))
pet, shown = asked["pet"].to_numpy(), gallery["pet"].to_numpy()
print(scores.shape, len(set(pet)), len(set(shown)))

# %% [markdown] lang="en"
# Each pet belongs to `dev`, to choose on, or to `test`, to judge on:

# %% [markdown] lang="pt"
# Cada animal é de `dev`, para escolher, ou de `test`, para julgar:


# %%
def search(split):
    rows = ((asked["split"] == split) & (asked["role"] == "query")).to_numpy()
    columns = (gallery["split"] == split).to_numpy()
    return scores[np.ix_(rows, columns)], pet[rows], shown[columns]


pairs = {split: evaluation.genuine_impostor_scores(*search(split)) for split in ("dev", "test")}
for split, (genuine, impostor) in pairs.items():
    print(f"{split:5} genuine {len(genuine)}   impostor {len(impostor)}")

# %% [markdown] lang="en"
# ## 1. Two errors
# A **threshold** decides: a score at or above it is a match. Two errors are possible:
# - **false match rate, FMR**: the share of impostor pairs that match;
# - **false non-match rate, FNMR**: the share of genuine pairs that do not.

# %% [markdown] lang="pt"
# ## 1. Dois erros
# Um **limiar** (*threshold*) decide: escore igual ou maior é correspondência. Há dois erros:
# - **taxa de falsa correspondência** (*false match rate*, **FMR**): a proporção de pares impostores
#   com correspondência;
# - **taxa de falsa não correspondência** (*false non-match rate*, **FNMR**): a proporção de pares
#   genuínos sem correspondência.

# %%
genuine, impostor = pairs["dev"]
threshold = np.median(genuine)
print(f"by hand  {np.mean(impostor >= threshold):.2f} {np.mean(genuine < threshold):.2f}")
at_one = evaluation.fmr_fnmr(genuine, impostor, [threshold])
print(f"vitsim   {at_one.fmr[0]:.2f} {at_one.fnmr[0]:.2f}")

# %% [markdown] lang="en"
# The median misses half. Now every threshold:

# %% [markdown] lang="pt"
# A mediana perde metade. Todos os limiares:

# %%
rates = evaluation.fmr_fnmr(genuine, impostor)
nearest = np.argmin(np.abs(rates.fmr - rates.fnmr))
by_hand = (rates.fmr[nearest] + rates.fnmr[nearest]) / 2
equal = evaluation.equal_error_rate(genuine, impostor)
print(f"EER = {by_hand:.2f} = {equal.rate:.2f}")
plots.error_rates(rates, equal.threshold)

# %% [markdown] lang="en"
# A higher threshold: fewer false matches, more missed. Where the curves cross lies the **equal
# error rate**, EER. It sums up a model; nobody has to *work* there.
#
# One error against the other, without the threshold: the **ROC** curve.

# %% [markdown] lang="pt"
# Limiar mais alto: menos falsas correspondências, mais genuínos perdidos. Onde as curvas se cruzam
# está a **taxa de erro igual** (*equal error rate*, **EER**). Ela resume um modelo; ninguém precisa
# *trabalhar* ali.
#
# Um erro contra o outro, sem o limiar: a curva **ROC**.

# %%
curves = {split: evaluation.fmr_fnmr(*both) for split, both in pairs.items()}
plots.roc(curves, mark=equal.threshold)

# %% [markdown] lang="en"
# Best is the upper left corner; the dotted diagonal is guessing. The rings share one threshold, the
# EER's on `dev`.
#
# Small errors crowd into a corner. The **DET** (detection error trade-off) curve stretches both
# axes by the normal quantile z. For normal scores, z(FMR) = (μᵢ − t)/σᵢ and z(FNMR) = (t − μg)/σg:
# linear in t; the curve is straight, of slope −σᵢ/σg.

# %% [markdown] lang="pt"
# Melhor: o canto superior esquerdo; a diagonal é o acaso. Os anéis têm o mesmo limiar, o da EER em
# `dev`.
#
# Erros pequenos se amontoam num canto. A **DET** (*detection error trade-off*) estica os dois eixos
# pelo quantil normal z. Com escores normais, z(FMR) = (μᵢ − t)/σᵢ e z(FNMR) = (t − μg)/σg: lineares
# em t; logo, a curva é reta, de inclinação −σᵢ/σg.

# %%
plots.det(curves, mark=equal.threshold)

# %% [markdown] lang="en"
# Straight? Then some increasing transform makes both normal.
#
# ### Exercise 1: predict
# Normal scores, equal spread, d′ = 2 (lesson 03). What is the EER?

# %% [markdown] lang="pt"
# São retas? Então uma transformação crescente torna normais os dois tipos de escore.
#
# ### Exercício 1: preveja
# Escores normais, mesma dispersão, d′ = 2 (aula 03). Quanto vale a EER?

# %% tags=["exercise"]
prediction = None

check(
    prediction,
    norm.sf(1),
    en="By symmetry the threshold lies halfway: how many σ from each mean?",
    pt="Por simetria, o limiar fica no meio: a quantos σ de cada média?",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# Halfway is d′/2 = 1 from both. Which share of a normal lies beyond?
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# A d′/2 = 1 desvio padrão de ambas. Quanto da normal fica além?
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
prediction = norm.cdf(-2 / 2)
print(f"{prediction:.2f}")
check(prediction, norm.sf(1))

# %% [markdown] lang="en"
# ## 2. Chosen here, judged there
# We chose it *because* of its rates on `dev`: they may flatter it. Judge it on other pets:

# %% [markdown] lang="pt"
# ## 2. Escolher aqui, julgar ali
# Escolhemos o limiar *por causa* de suas taxas em `dev`: elas podem favorecê-lo. Julgue-o noutros
# animais:

# %%
for split, (genuine, impostor) in pairs.items():
    at_one = evaluation.fmr_fnmr(genuine, impostor, [equal.threshold])
    print(f"{split:5} FMR = {at_one.fmr[0]:.2f}   FNMR = {at_one.fnmr[0]:.2f}")

# %% [markdown] lang="en"
# Do the rows differ by more than luck? So many pairs look like plenty.
#
# ## 3. How many pairs are they really?
# Take a world we know: 20 pets, and for i ≠ j the score aᵢ + aⱼ + noise, normal
# with variances 1, 1 and 2. A pet with a large *a* resembles everybody. The scores have standard
# deviation 2, so we know the threshold for an FMR of exactly 0.10.

# %% [markdown] lang="pt"
# As linhas diferem além do acaso? Parecem muitos pares; não são.
#
# ## 3. Quantos pares são, de verdade?
# Tome um mundo conhecido: 20 animais e, para i ≠ j, o escore aᵢ + aⱼ + ruído, três normais de
# variâncias 1, 1 e 2. Um animal com *a* grande se parece com todos. O desvio padrão dos escores é
# 2; daí o limiar para FMR de exatamente 0,10.

# %%
pets, truth = 20, 0.10
limit = norm.isf(truth, scale=2)
ids = np.arange(pets)
different = ids[:, None] != ids


def world(seed):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(pets)
    noise = rng.normal(0, np.sqrt(2), (pets, pets))
    return np.where(different, a[:, None] + a + noise, np.nan)  # no pet with itself


print([f"{np.mean(world(seed)[different] >= limit):.2f}" for seed in range(6)])

# %% [markdown] lang="en"
# The truth is 0.10; each has 380 pairs. The usual **bootstrap** draws
# pairs with replacement:

# %% [markdown] lang="pt"
# O valor verdadeiro é 0,10; cada mundo tem 380 pares. O ***bootstrap*** usual sorteia
# pares com reposição:

# %%
rng = np.random.default_rng(0)
wrong = world(0) >= limit
errors = wrong[different]
draws = [rng.choice(errors, errors.size).mean() for _ in range(1000)]
print(errors.size, [f"{end:.2f}" for end in np.percentile(draws, [2.5, 97.5])])

# %% [markdown] lang="en"
# But pairs that share a pet err together, and a new sample would bring new *pets*. So draw pets,
# with all their pairs.
#
# ### Exercise 2: build
# Mend `redrawn`, the FMR of the drawn pets: a pet drawn twice must not meet itself.

# %% [markdown] lang="pt"
# Mas pares com um animal em comum erram juntos, e uma nova amostra traria novos *animais*.
# Sorteie animais, com seus pares.
#
# ### Exercício 2: construa
# Corrija `redrawn`, a FMR dos animais sorteados: quem sai duas vezes não se compara consigo mesmo.

# %% tags=["exercise"]
drawn = np.random.default_rng(1).integers(pets, size=pets)
times = np.bincount(drawn, minlength=pets)


def redrawn(wrong, drawn):
    return wrong[np.ix_(drawn, drawn)].mean()


check(
    redrawn(wrong, drawn),
    np.average(wrong, weights=np.outer(times, times) * (1 - np.eye(pets))),
    en="Which of the 20 × 20 places hold two different pets?",
    pt="Quais das 20 × 20 posições têm dois animais diferentes?",
    tolerance=1e-6,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `drawn[:, None] != drawn` is True exactly there.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `drawn[:, None] != drawn` é True exatamente nelas.
# </details>


# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
def redrawn(wrong, drawn):
    apart = drawn[:, None] != drawn
    return wrong[np.ix_(drawn, drawn)][apart].mean()


check(
    redrawn(wrong, drawn),
    np.average(wrong, weights=np.outer(times, times) * (1 - np.eye(pets))),
    tolerance=1e-6,
)

# %%
rng = np.random.default_rng(0)
draws = [redrawn(wrong, rng.integers(pets, size=pets)) for _ in range(1000)]
print([f"{end:.2f}" for end in np.percentile(draws, [2.5, 97.5])])

# %% [markdown] lang="en"
# Wider. Which has 95 % coverage? Ask 200 worlds; plot 50. `percentile` is yours; the **jackknife**
# leaves out one pet at a time: variance $\frac{n-1}{n}\sum_i(\theta_{-i}-\bar\theta)^2$, t on the
# logit.

# %% [markdown] lang="pt"
# Mais largo. Qual tem cobertura de 95 %? Pergunte a 200 mundos, e desenhe 50. `percentile` é o seu;
# o ***jackknife*** deixa um animal de fora por vez: variância
# $\frac{n-1}{n}\sum_i(\theta_{-i}-\bar\theta)^2$, t no logit.


# %%
def fmr(scores, *_):
    return np.count_nonzero(scores >= limit) / np.count_nonzero(~np.isnan(scores))


panels = {"pairs": [], "percentile": [], "jackknife": []}
for seed in range(200):
    rng, one = np.random.default_rng(seed), world(seed)
    by_pet = evaluation.jackknife_by_identity(fmr, one, ids, ids)
    panels["jackknife"].append(by_pet)
    by_pair = rng.binomial(380, by_pet.estimate, 400) / 380  # the mean of drawn pairs is binomial
    yours = [redrawn(one >= limit, rng.integers(pets, size=pets)) for _ in range(400)]
    for name, draws in (("pairs", by_pair), ("percentile", yours)):
        ends = np.percentile(draws, [2.5, 97.5])
        panels[name].append(evaluation.Interval(by_pet.estimate, *ends))
for name, found in panels.items():
    print(f"{name:11} {np.mean([one.low <= truth <= one.high for one in found]):.2f}")
plots.interval_panels({name: found[:50] for name, found in panels.items()}, truth)

# %% [markdown] lang="en"
# Crosses miss the truth (200 worlds tell 0.95 to ±0.03). Yours is too narrow. Why so many
# under `pairs`? Let errors of pairs that share a pet correlate by ρ. Each of about n² ordered pairs
# shares a pet with some 4n others, so
#
# $$\mathrm{Var}(\mathrm{FMR}) \approx \frac{p(1-p)}{n^2}(1 + 4n\rho)
# \approx p(1-p)\,\frac{4\rho}{n}.$$
#
# All pairs are worth n/(4ρ) independent ones: pairs grow as n², knowledge as n. Ours:

# %% [markdown] lang="pt"
# Cruzes: não contêm o valor verdadeiro (200 mundos estimam 0,95 com ±0,03). O seu é estreito
# demais. Por que tantas em `pairs`? Erros de pares com um animal em comum têm correlação ρ. Cada um
# dos quase n² pares ordenados compartilha um animal com uns 4n outros; logo,
#
# $$\mathrm{Var}(\mathrm{FMR}) \approx \frac{p(1-p)}{n^2}(1 + 4n\rho)
# \approx p(1-p)\,\frac{4\rho}{n}.$$
#
# Juntos, valem n/(4ρ) independentes: os pares crescem com n²; o conhecimento, com n. Os
# nossos:


# %%
def of_pairs(rate):
    return lambda *search: rate(*evaluation.genuine_impostor_scores(*search))


figures = {
    "FMR": of_pairs(lambda genuine, impostor: np.mean(impostor >= equal.threshold)),
    "FNMR": of_pairs(lambda genuine, impostor: np.mean(genuine < equal.threshold)),
}
found = {
    name: [evaluation.jackknife_by_identity(rate, *search(one)) for one in pairs]
    for name, rate in figures.items()
}
# The EER moves in steps; its own function follows the two rates at its threshold instead.
found["EER"] = [evaluation.equal_error_rate_by_identity(*search(one)) for one in pairs]
for name, (dev, test) in found.items():
    print(f"{name:5} dev {dev}   test {test}")

# %% [markdown] lang="en"
# Where both overlap widely, luck may explain the difference.
#
# ## 4. No error at all?
# n independent trials without error have the probability (1 − p)ⁿ. The largest p still plausible
# solves (1 − p)ⁿ = 0.05, a one-sided limit of 95 %. As −ln 0.05 ≈ 3, p ≈ 3/n: the **rule of three**.

# %% [markdown] lang="pt"
# Com intervalos muito sobrepostos, o acaso pode explicar a diferença.
#
# ## 4. Nenhum erro?
# n ensaios independentes sem erro têm probabilidade (1 − p)ⁿ. O maior p ainda plausível satisfaz
# (1 − p)ⁿ = 0,05, limite unilateral de 95 %. Como −ln 0,05 ≈ 3, p ≈ 3/n: a **regra dos três**.

# %%
for n in (7, 30, 1000):
    print(f"{n:5}  {100 * (1 - 0.05 ** (1 / n)):6.2f} %   3/n = {300 / n:6.2f} %")
print(f"30 errors: ± {100 * 1.645 / np.sqrt(30):.0f} %")

# %% [markdown] lang="en"
# The **rule of 30**: 30 errors have standard deviation √30, so a relative margin of 1.645/√30 = ±30
# %, with 90 % confidence. A trial is an *identity*: 30 photos of one stranger are, nearly, one
# trial.
#
# ### Exercise 3: predict
# How many strangers, all refused, let you say, with 95 % confidence, "fewer than 1 in 100"?

# %% [markdown] lang="pt"
# A **regra dos 30**: 30 erros têm desvio padrão √30; margem relativa de 1,645/√30 = ±30 %, com 90 %
# de confiança. Um ensaio é uma *identidade*: 30 fotos de um estranho são quase um ensaio.
#
# ### Exercício 3: preveja
# Quantos estranhos, todos recusados, permitem dizer, com 95 % de confiança, "menos de 1 em 100"?

# %% tags=["exercise"]
prediction = None

check(
    prediction,
    299.5,
    en="Solve 3/n = 0.01, and round up.",
    pt="Resolva 3/n = 0,01 e arredonde para cima.",
    tolerance=0.5,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# Exactly: 0.99ⁿ ≤ 0.05.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# Exato: 0,99ⁿ ≤ 0,05.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
prediction = np.ceil(np.log(0.05) / np.log(0.99))
print(f"{prediction:.0f}")
check(prediction, 299.5, tolerance=0.5)

# %% [markdown] lang="en"
# ## 5. Is it here at all?
# An owner's pet may not be in the gallery (all 50 pets, for `dev` and `test`): the **open set**.
# Two rates, per query:
# - **FPIR** (false positive identification rate): strangers for whom *any* photo reaches the
#   threshold;
# - **FNIR** (false negative identification rate): pet in the gallery, but not first, or below the
#   threshold.

# %% [markdown] lang="pt"
# ## 5. Ele está mesmo aqui?
# O animal pode não estar na galeria (os 50, tanto para `dev` quanto para `test`): o **conjunto
# aberto** (*open set*). Duas taxas, por consulta:
# - **FPIR** (taxa de identificação falso-positiva): estranhos para os quais *alguma* foto alcança
#   o limiar;
# - **FNIR** (taxa de identificação falso-negativa): animal na galeria, mas não em primeiro ou
#   abaixo do limiar.

# %%
own = pet[:, None] == shown
right = np.where(own, scores, -np.inf).max(axis=1)  # best photo of the right pet
hidden = np.where(own, -np.inf, scores)
rival = hidden.max(axis=1)  # best photo of any other pet
known = own.any(axis=1)
missed = (right <= rival) | (right < equal.threshold)
judged = (asked["split"] == "test").to_numpy()
reached = rival[judged & ~known] >= equal.threshold
print(f"by hand  {reached.mean():.2f} {missed[judged & known].mean():.2f}")
fpir, fnir = evaluation.fpir_fnir(scores[judged], pet[judged], shown, equal.threshold)
print(f"vitsim   {fpir:.2f} {fnir:.2f}")

# %% [markdown] lang="en"
# Compare FPIR, from seven strangers, with FMR above: a stranger meets 150 photos and needs one.
#
# What does *one* score mean? Count strangers who score as high. Ten are few; hide a pet's photos
# (its litter-mate's stay): another stranger:

# %% [markdown] lang="pt"
# Compare a FPIR, de sete estranhos, com a FMR: cada um enfrenta 150 fotos; basta uma.
#
# O que significa *um* escore? Conte os estranhos que chegam tão alto. Dez são poucos; sem suas
# fotos (as do irmão ficam), todo animal é estranho:

# %%
score = np.median(right[known])
stranger = rival  # the best score that each photo gets as a stranger
found = evaluation.jackknife_by_identity(
    lambda some, *_: evaluation.exceedance(some, score), hidden, pet, shown
)
low, n, high = (100 * share for share in (found.low, found.estimate, found.high))
print(f"score {score:.2f}: {n:.0f} / 100 [{low:.0f}, {high:.0f}]")

# %% [markdown] lang="en"
# Tell owners both ends: "here, of 100 strangers' photos, so many score this high".
#
# ## 6. The gallery grows
# For each query, count the **rivals**: pets whose best photo beats the right pet's.

# %% [markdown] lang="pt"
# Dê ao tutor o intervalo: "aqui, de 100 fotos de estranhos, tantas chegam tão alto".
#
# ## 6. A galeria cresce
# Para cada consulta, conte os **rivais**: animais cuja melhor foto supera a do certo.

# %%
names = np.unique(shown)
best = np.stack([scores[known][:, shown == one].max(axis=1) for one in names], axis=1)
beats = (best >= right[known, None]) & (names != pet[known, None])
rivals, others = beats.sum(axis=1), len(names) - 1
print(best.shape, f"{np.mean(rivals == 0):.2f}")
print(
    "recall@1",
    evaluation.jackknife_by_identity(evaluation.recall_at_k, scores[known], pet[known], shown),
)

# %% [markdown] lang="en"
# A smaller gallery of N pets draws N − 1 of the others. With k rivals among 49, none is drawn with
# probability C(49 − k, N − 1) / C(49, N − 1): every subsample at once, exactly.
#
# For larger galleries, a model. **Assume** new pets are like these (litter-mates in the same
# proportion: pessimistic), and each query has its share p of rivals, p ~ Beta(a, b). Then k is beta-binomial, and
#
# $$\mathrm{recall@1}(N) = E\,(1-p)^{N-1} = \frac{B(a,\,b+N-1)}{B(a,\,b)}
# \approx \frac{\Gamma(a+b)}{\Gamma(b)}\,N^{-a}.$$
#
# Check: guessing, a = b = 1, gives 1/N.

# %% [markdown] lang="pt"
# Uma galeria menor, de N animais, sorteia N − 1 outros. Com k rivais entre 49, a probabilidade
# de nenhum sair é C(49 − k, N − 1) / C(49, N − 1): todas as subamostras, exatamente.
#
# Para galerias maiores, um modelo. **Suponha** que animais novos sejam como estes (irmãos na mesma
# proporção: pessimista) e cada consulta tenha proporção p de rivais, p ~ Beta(a, b). Então k é
# beta-binomial, e
#
# $$\mathrm{recall@1}(N) = E\,(1-p)^{N-1} = \frac{B(a,\,b+N-1)}{B(a,\,b)}
# \approx \frac{\Gamma(a+b)}{\Gamma(b)}\,N^{-a}.$$
#
# Confira: o acaso, a = b = 1, dá 1/N.


# %%
def fit(rivals, others):
    k, count = np.unique(rivals, return_counts=True)

    def minus_log_likelihood(logs):
        a, b = np.exp(logs)
        return count @ (betaln(a, b) - betaln(a + k, b + others - k))

    return np.exp(
        minimize(minus_log_likelihood, [0, 0], method="Nelder-Mead", bounds=[(-6, 6)] * 2).x
    )


def recall(a, b, size):
    return np.exp(betaln(a, b + size - 1) - betaln(a, b))


a, b = fit(rivals, others)
counted = 1 - rivals.mean() / others
print(f"a = {a:.2f}   recall@1(2): model {recall(a, b, 2):.3f}, counted {counted:.3f}")

# %% [markdown] lang="en"
# How sure? The **jackknife**, each pet as query and rival:

# %% [markdown] lang="pt"
# Quanta certeza? O ***jackknife***, cada animal como consulta e rival:

# %%
small, large = np.arange(2, len(names) + 1), np.geomspace(2, 30_000, 40)
free = comb(others - rivals[:, None], small - 1) / comb(others, small - 1)
without = []
for one in names:
    rows, columns = pet[known] != one, names != one
    without.append(recall(*fit(beats[rows][:, columns].sum(axis=1), others - 1), large))
error = np.sqrt(others * logit(without).var(axis=0))
low, high = (expit(logit(recall(a, b, large)) + z * error) for z in t.ppf([0.025, 0.975], others))
published = {"cats\nEER 0.065": (102, 0.913), "DogFaceNet\nEER 0.055": (1393, 0.899)}
published |= {"Dogs-World\nEER 0.068": (16469, 0.535)}
high = np.minimum.accumulate(high)  # as recall falls with N
model_curve = (large, recall(a, b, large), low, high)
plots.recall_by_gallery_size((small, free.mean(axis=0)), model_curve, published)

# %% [markdown] lang="en"
# Where the solid line hides the dashed one, the model describes our 50. Beyond, its shape near p =
# 0 decides, which 49 rivals cannot show: the band (cut flat on top) holds sampling error only.
#
# The diamonds are published, for a frozen DINOv2 and a trained projection; 25, 6 and 3 photos of
# each animal. **Similar EER, different recall**: more rivals, fewer photos of the right pet. No
# recall without its N!
#
# ## 7. What errors cost
# A missed reunion and a false hope do not weigh the same. With their `ratio`, and a share `here`
# of owners whose pet is in the gallery, the expected cost, as a share of the worst, is

# %% [markdown] lang="pt"
# Onde a contínua esconde a tracejada, o modelo descreve nossos 50. Além deles, decide a forma da
# Beta perto de p = 0, que 49 rivais não mostram: a faixa (achatada no alto) só reflete o erro
# amostral.
#
# Losangos: resultados publicados, DINOv2 congelado e projeção treinada; 25, 6 e 3 fotos por animal.
# **EER parecida, *recall* diferente**: mais rivais, menos fotos do certo. Nada de *recall*
# sem seu N!
#
# ## 7. O custo dos erros
# Reencontro perdido e falsa esperança não pesam o mesmo. Com a razão `ratio` entre eles e uma
# proporção `here` de tutores cujo animal está na galeria, o custo esperado, como proporção do pior, é


# %%
def cost(part, threshold, ratio, here=0.5):
    fnir = np.mean((right <= rival)[part & known] | (right < threshold)[part & known])
    fpir = np.mean(stranger[part] >= threshold)
    return (ratio * here * fnir + (1 - here) * fpir) / (ratio * here + 1 - here)


dev = (asked["split"] == "dev").to_numpy()
grid = np.linspace(stranger.min(), scores.max() + 0.01, 200)
ratios = (1, 5, 25)  # yours?
costs = {f"{ratio} : 1": [cost(dev, one, ratio) for one in grid] for ratio in ratios}
for ratio, (name, values) in zip(ratios, costs.items(), strict=True):
    chosen = grid[np.argmin(values)]
    print(f"{name:>6}  threshold {chosen:.2f}   dev {min(values):.2f}   "
          f"test {cost(~dev, chosen, ratio):.2f}")  # fmt: skip
plots.cost_curves(grid, costs)

# %% [markdown] lang="en"
# Left end: everybody is called. Right end: nobody. A minimum at an end, or hardly below it: no
# threshold beats that plain rule. The ratio is no question for statistics: ask owners.
#
# ### Exercise 4: change
# Volunteers can bear one false hope per ten strangers. Change `threshold` to the lowest with an
# FPIR of at most 0.10 on `dev`, each photo as a stranger's.

# %% [markdown] lang="pt"
# À esquerda, liga-se para todos; à direita, para ninguém. Mínimo num extremo, ou custo quase igual?
# Nenhum limiar supera essa regra. A `ratio` não é questão estatística: pergunte aos
# tutores.
#
# ### Exercício 4: modifique
# Os voluntários aceitam uma falsa esperança a cada dez estranhos. Modifique `threshold` para o menor
# com FPIR de até 0,10 em `dev`, cada foto tida como de estranho.

# %% tags=["exercise"]
threshold = stranger[dev].min()

fpir = np.mean(stranger[dev] >= threshold)
print(f"{fpir:.2f}")
reachable = evaluation.fmr_fnmr(right[dev], stranger[dev]).fmr
check(
    fpir,
    reachable[reachable <= 0.10].max(),
    en="Which value do at most 10 % of stranger[dev] reach? Just above 0.10: the next score up.",
    pt="Que valor no máximo 10 % de stranger[dev] alcançam? Se passa de 0.10, o escore seguinte.",
    tolerance=0.01,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `evaluation.fmr_fnmr(right[dev], stranger[dev])` has every threshold and its rates.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `evaluation.fmr_fnmr(right[dev], stranger[dev])` tem todos os limiares e suas taxas.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
rates = evaluation.fmr_fnmr(right[dev], stranger[dev])
threshold = rates.thresholds[rates.fmr <= 0.10][0]
fpir = np.mean(stranger[dev] >= threshold)
check(fpir, reachable[reachable <= 0.10].max(), tolerance=0.01)

# %%
missed, alarm = (right <= rival) | (right < threshold), stranger >= threshold
for part in (dev, ~dev):
    print(f"FPIR = {alarm[part].mean():.2f}   FNIR = {missed[part & known].mean():.2f}", end="   ")
    print(f"true strangers {alarm[part & ~known].mean():.2f}")

# %% [markdown] lang="en"
# Did the promise hold on `test`, second row? If none of seven strangers: up to 35 % (section 4).
#
# ## Quiz
#
# <details><summary>1. No false match in 9,900 pairs of 100 pets. Is FMR below 3/9,900?</summary>
#
# Not shown: only 50 pairs are surely independent; they support 3/50 (95 %).
# </details>
# <details><summary>2. EER 0.06 on 100 pets and on 10,000. Where does the right pet come first more
# often?</summary>
#
# EER does not say; with like data, in the smaller gallery.
# </details>
# <details><summary>3. More photos of each pet, or more pets?</summary>
#
# Pets: the interval shrinks with their number.
# </details>
#
# ## Remember
# - FMR and FNMR judge comparisons; FPIR and FNIR searches: they depend on N.
# - Choose on some pets, judge on others.
# - Omit identities, not pairs.
# - No error in n strangers: up to 3/n (95 %).
# - Costs choose the threshold; a person makes the call.
#
# **Next:** lesson 06 asks what moves the score.
#
# ## References
# - [ISO/IEC 19795-1:2021](https://www.iso.org/standard/73515.html).
# - R. Bolle, N. Ratha, S. Pankanti (2004). [The subsets
#   bootstrap](https://doi.org/10.1016/j.cviu.2003.08.002).
# - T. Hesterberg (2015). [What teachers should know about the
#   bootstrap](https://arxiv.org/abs/1411.5279).
# - G. Doddington et al. (2000). [The NIST speaker recognition
#   evaluation](https://doi.org/10.1016/S0167-6393(99)00080-1) (rule of 30).
# - Diamonds: [pet-recognition-small](https://huggingface.co/open-noodle/pet-recognition-small).

# %% [markdown] lang="pt"
# A promessa valeu em `test`, na segunda linha? Se nenhum dos sete estranhos: até 35 % (seção 4).
#
# ## Questionário
#
# <details><summary>1. Nenhuma falsa correspondência em 9.900 pares de 100 animais. A FMR é menor que
# 3/9.900?</summary>
#
# Não se sabe: só 50 pares são certamente independentes; sustentam 3/50 (95 %).
# </details>
# <details><summary>2. EER de 0,06 com 100 animais e com 10.000. Onde o certo vem primeiro mais vezes?</summary>
#
# A EER não diz; com dados parecidos, na galeria menor.
# </details>
# <details><summary>3. Mais fotos de cada animal, ou mais animais?</summary>
#
# Animais: o intervalo encolhe com eles.
# </details>
#
# ## Para lembrar
# - FMR e FNMR julgam comparações; FPIR e FNIR, buscas: dependem de N.
# - Escolha com uns animais, julgue com outros.
# - Omita identidades, não pares.
# - Nenhum erro em n estranhos: até 3/n (95 %).
# - Os custos escolhem o limiar; quem decide é uma pessoa.
#
# **A seguir:** a aula 06 pergunta o que muda o escore.
#
# ## Referências
# - [ISO/IEC 19795-1:2021](https://www.iso.org/standard/73515.html).
# - R. Bolle, N. Ratha, S. Pankanti (2004). [The subsets
#   bootstrap](https://doi.org/10.1016/j.cviu.2003.08.002).
# - T. Hesterberg (2015). [What teachers should know about the
#   bootstrap](https://arxiv.org/abs/1411.5279).
# - G. Doddington et al. (2000). [The NIST speaker recognition
#   evaluation](https://doi.org/10.1016/S0167-6393(99)00080-1) (regra dos 30).
# - Losangos: [pet-recognition-small](https://huggingface.co/open-noodle/pet-recognition-small).
