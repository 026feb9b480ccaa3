# ---
# jupyter:
#   vitsim: {pt: 06_o_que_muda_o_escore}
# ---

# %% [markdown] lang="en"
# # 06 · What moves the score?
#
# Two photos of one pet, and a low score. Was it the lamp, the angle, the blur, the sofa behind?
#
# **You will be able to**
# - tell what a recorded factor shows from what an experiment shows;
# - fit a mixed model, and say what a coefficient does not mean;
# - compare two settings, paired by pet, and catch a shortcut.
#
# **Time:** 50 minutes and 25 for the exercises. **You need:** lessons 02 to 05, linear regression;
# no network.

# %% [markdown] lang="pt"
# # 06 · O que muda o escore?
#
# Duas fotos do mesmo animal, escore baixo. Foi a lâmpada, o ângulo, o desfoque, o sofá atrás?
#
# **Ao final, você saberá**
# - distinguir o que mostra um fator registrado do que mostra um experimento;
# - ajustar um modelo misto e dizer o que um coeficiente não significa;
# - comparar configurações, pareadas por animal, e flagrar um atalho.
#
# **Tempo:** 50 minutos, mais 25 para os exercícios. **Requisitos:** aulas 02 a 05, regressão
# linear; internet, não.

# %%
import io

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from PIL import Image, ImageFilter, ImageOps
from scipy import stats

try:
    from vitsim import background, baselines, datasets, evaluation, images, plots, similarity
except ModuleNotFoundError:
    # %pip install --quiet "vitsim[notebooks] @ git+{{repository}}"
    # %env VITSIM_LANG={{language}}
    from vitsim import background, baselines, datasets, evaluation, images, plots, similarity
from vitsim.encoder import Encoder
from vitsim.exercises import check

# %matplotlib inline
print("vitsim ✓")

# %% [markdown] lang="en"
# `None` is the shipped `tiny`; other models need a network once.

# %% [markdown] lang="pt"
# `None` é o `tiny`, que vem com o curso; outros precisam de internet na primeira vez.

# %%
model = None  # "google/vit-base-patch16-224", "facebook/dinov2-small"

encoder = Encoder.load(model)
plots.name_model(encoder.name)
progress = encoder.name != "tiny"
print(encoder.name, encoder.size, encoder.dim)

# %% [markdown] lang="en"
# ## 1. Pairs and their factors
#
# Ten photos each of 18 pets, cut out by mask, not cropped:

# %% [markdown] lang="pt"
# ## 1. Os pares e seus fatores
#
# Dez fotos de cada um de 18 animais, recortadas sem enquadrar:

# %%
pets = datasets.pets(split="dev").query("role != 'stranger'").reset_index(drop=True)
photos = [images.open_photo(path) for path in pets["photo"]]
masks = [Image.open(path).convert("L") for path in pets["mask"]]
cuts = [background.cut_out(*pair) for pair in zip(photos, masks, strict=True)]
embeddings = encoder.embed(cuts, progress=progress)
print(embeddings.shape)

# %% [markdown] lang="en"
# A cosine has no natural unit, so we borrow that of d′ (lesson 03): subtract the impostors' mean,
# divide by the spread. Now impostors average 0, and the mean of the genuine pairs *is* d′.

# %% [markdown] lang="pt"
# Um cosseno não tem unidade natural; usamos a do d′ (aula 03): subtraímos a média dos impostores e
# dividimos pela dispersão. Agora os impostores têm média 0, e a dos genuínos *é* o d′.

# %%
first, second = np.triu_indices(len(pets), 1)
ids = pets["pet"].to_numpy()
same = ids[first] == ids[second]
cosines = similarity.cosine_similarity(embeddings, embeddings)[first, second].astype(float)
genuine, impostor = cosines[same], cosines[~same]
spread = np.sqrt((genuine.var() + impostor.var()) / 2)
score = (genuine - impostor.mean()) / spread
print(len(score), f"{score.mean():.2f} = {evaluation.d_prime(genuine, impostor):.2f}")

# %% [markdown] lang="en"
# For each of the 810 genuine pairs: in which recorded **factors** do its photos agree?

# %% [markdown] lang="pt"
# Em quais **fatores** registrados concordam as fotos de cada um dos 810 pares genuínos?

# %%
a, b = (pets.loc[side[same]].reset_index(drop=True) for side in (first, second))
pairs = pd.DataFrame({"pet": a["pet"], "roles": a["role"] + "-" + b["role"], "score": score})
pairs["same_light"] = (a["light"] == b["light"]).astype(int)
pairs["same_place"] = (a["place"] == b["place"]).astype(int)
pairs["both_sharp"] = ((a["quality"] == "sharp") & (b["quality"] == "sharp")).astype(int)
pairs.head(3).round(2)

# %% [markdown] lang="en"
# ### Exercise 1: build
# Angles are missing. How far must a pet turn to get from one **azimuth**, 0° to 360°, to another?
# From 10° to 350° it takes 20°, not 340°.

# %% [markdown] lang="pt"
# ### Exercício 1: construa
# Faltam os ângulos. Quanto um animal precisa girar de um **azimute**, 0° a 360°, a outro? De 10° a
# 350° são 20°, não 340°.


# %% tags=["exercise"]
def turn(azimuth, other):
    return abs(azimuth - other)


check(
    turn(np.array([10.0, 90, 350, 180]), np.array([350.0, 300, 10, 180])),
    [20, 150, 20, 0],
    en="Look at the first pair: 10° and 350° lie on both sides of 0°.",
    pt="Olhe o primeiro par: 10° e 350° ficam um de cada lado do 0°.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# There are two ways round, of d and of 360 − d degrees. `np.minimum` takes the shorter.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# Há dois caminhos, de d e de 360 − d graus. `np.minimum` fica com o menor.
# </details>


# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
def turn(azimuth, other):
    d = abs(azimuth - other)
    return np.minimum(d, 360 - d)


print(turn(10, 350))
check(turn(np.array([90.0, 350, 180]), np.array([300.0, 10, 180])), [150, 20, 0])

# %% [markdown] lang="en"
# ## 2. First, the design
#
# Before comparing, count. `gallery` photos are the shelter's, `query` photos the owner's.

# %% [markdown] lang="pt"
# ## 2. Primeiro, o delineamento
#
# Antes de comparar, conte. Fotos `gallery` vêm do abrigo; `query`, do tutor.

# %%
pairs["turn"] = abs((a["azimuth_deg"] - b["azimuth_deg"] + 180) % 360 - 180)  # in one line
alike = pairs.query("same_light and same_place and both_sharp and turn <= 90")
print(len(alike), pairs.groupby("roles")[["turn", "both_sharp"]].mean().round(2), sep="\n")
pd.crosstab(pairs["roles"], [pairs["same_light"], pairs["same_place"]])

# %% [markdown] lang="en"
# The 378 `gallery-query` pairs never share light or place: the data were made so. Pairs in one
# light share a role, and roles differ: gallery photos are sharper and 120° apart. This is
# **confounding** (*confundimento*), by design. Nor can we compare only pairs that agree in all
# else: just 3 agree in everything.
#
# ## 3. One number a pet
#
# 810 pairs are not 810 independent facts (lesson 05). So, for each pet: the mean of pairs that
# agree minus that of pairs that differ. Then Student's t, n = 18.

# %% [markdown] lang="pt"
# Os 378 pares `gallery-query` nunca compartilham luz nem lugar: os dados foram feitos assim. Mesma
# luz, mesmo papel (`role`), e os papéis diferem: fotos de galeria são mais nítidas e separadas por
# 120°. Isso é **confundimento**, por delineamento. Nem dá para comparar só pares iguais em todo o
# resto: apenas 3 concordam em tudo.
#
# ## 3. Um número por animal
#
# 810 pares não são 810 observações independentes (aula 05). Então, por animal: a média dos pares
# que concordam menos a dos que diferem. Depois, t de Student, n = 18.


# %%
def over_pets(differences):
    mean, error = differences.mean(), differences.std(ddof=1) / np.sqrt(len(differences))
    margin = stats.t.ppf(0.975, len(differences) - 1) * error
    return evaluation.Interval(mean, mean - margin, mean + margin)


by_light = pairs.groupby(["pet", "same_light"])["score"].mean().unstack()
differences = (by_light[1] - by_light[0]).to_numpy()
print(over_pets(differences))
print("{:.2f} {:.2f}".format(*stats.ttest_1samp(differences, 0).confidence_interval()))

# %% [markdown] lang="en"
# By hand and by SciPy: the same. Now four factors; 1 is yes:

# %% [markdown] lang="pt"
# À mão e pelo SciPy: igual. Agora, quatro fatores; 1 é sim:

# %%
pairs["turn ≤ 90°"] = (pairs["turn"] <= 90).astype(int)
tables = {
    factor: pairs.groupby(["pet", factor])["score"].mean().unstack()
    for factor in ["same_light", "same_place", "turn ≤ 90°", "both_sharp"]
}
gains = [over_pets(table[1] - table[0]) for table in tables.values()]
plots.factor_strips(tables, gains)

# %% [markdown] lang="en"
# A thin line is a pet, the thick one the mean; below, the gain and its interval. Do the lines rise
# together? If they lie far apart, some pets are easy in any light.
#
# Two levels are coarse for an angle. A circle asks for waves: cos *t* compares the same view with
# the opposite; cos 2*t*, both with a quarter turn. By least squares:

# %% [markdown] lang="pt"
# Cada linha fina é um animal; a grossa, a média; embaixo, o ganho e seu intervalo. As linhas sobem
# juntas? Se afastadas, alguns animais são fáceis em qualquer luz.
#
# Dois níveis são pouco para um ângulo. Um círculo pede ondas: cos *t* compara a mesma vista com a
# oposta; cos 2*t*, ambas com um quarto de volta. Por mínimos quadrados:

# %%
pairs["cos_turn"] = np.cos(np.deg2rad(pairs["turn"]))
pairs["cos_2turn"] = np.cos(np.deg2rad(2 * pairs["turn"]))
waves = np.column_stack([np.ones(len(pairs)), pairs["cos_turn"], pairs["cos_2turn"]])
wave = np.linalg.lstsq(waves, score, rcond=None)[0]
plots.score_by_turn(pairs["turn"], score, waves @ wave)

# %% [markdown] lang="en"
# Bars are means over 30°. Falling: the more turned, the less alike. Rising towards 180°: opposite
# views share an outline. Flat: the angle hardly matters.
#
# ## 4. All factors at once
#
# A **mixed model** (*modelo misto*) of the score of pair *k* of pet *i*:
#
# $$y_{ik} = x_{ik}^\top\beta + u_i + \varepsilon_{ik}$$
#
# Factors have fixed effects β; each pet a random one, *u*. The **intraclass correlation** is the
# share σᵤ² / (σᵤ² + σ²) of the variance that lies between pets. Without factors, analysis of
# variance gives it by hand, with m = 45 pairs a pet:

# %% [markdown] lang="pt"
# As barras são médias a cada 30°. Caindo: quanto mais girado, menos parecido. Subindo rumo a 180°:
# vistas opostas têm a mesma silhueta. Planas: o ângulo pouco importa.
#
# ## 4. Todos os fatores de uma vez
#
# Um **modelo misto** (*mixed model*) para o escore do par *k* do animal *i*:
#
# $$y_{ik} = x_{ik}^\top\beta + u_i + \varepsilon_{ik}$$
#
# Os fatores têm efeitos fixos β; cada animal, um efeito aleatório *u*. A **correlação intraclasse**
# é a proporção da variância devida aos animais, σᵤ² / (σᵤ² + σ²). Sem fatores, a análise de
# variância a fornece à mão, com m = 45 pares por animal:

# %%
m, by_pet = 45, pairs.groupby("pet")["score"]
between, within = m * by_pet.mean().var(), by_pet.var().mean()
icc = (between - within) / (between + (m - 1) * within)
print(f"{icc:.2f}   {len(pairs) / (1 + (m - 1) * icc):.0f}")


# %% [markdown] lang="en"
# The second number: how many independent pairs the 810 are worth, for a mean. statsmodels finds the
# first by restricted maximum likelihood:

# %% [markdown] lang="pt"
# O segundo número: quantos pares independentes valem os 810, para uma média. O statsmodels encontra
# o primeiro por máxima verossimilhança restrita:


# %%
def mixed(formula, table):
    return smf.mixedlm(formula, table, groups="pet").fit(method="powell")


empty = mixed("score ~ 1", pairs)
variance = empty.cov_re.iloc[0, 0]
print(f"{variance / (variance + empty.scale):.2f}")

# %% [markdown] lang="en"
# Now with factors. A photo enters nine pairs, which *u* ignores. Beside it, another fit with
# **cluster-robust** errors: they admit any dependence within a pet, given many pets.

# %% [markdown] lang="pt"
# Agora, com fatores. Cada foto entra em nove pares, o que *u* ignora. Ao lado, outro ajuste, com
# erros padrão **robustos por conglomerado** (*cluster*): admitem qualquer dependência dentro de
# cada animal, se houver muitos animais.

# %%
factors = ["same_light", "same_place", "both_sharp", "cos_turn", "cos_2turn"]
formula = "score ~ " + " + ".join(factors)
full = mixed(formula, pairs)
clusters = {"cov_type": "cluster", "cov_kwds": {"groups": pd.factorize(pairs["pet"])[0]}}
robust = smf.ols(formula + " + C(pet)", pairs).fit(use_t=True, **clusters)


def effects(fit):
    limits = fit.conf_int()
    return {name: evaluation.Interval(fit.params[name], *limits.loc[name]) for name in factors}


plots.forest({"mixed model": effects(full), "cluster-robust": effects(robust)})

# %% [markdown] lang="en"
# Right of 0: agreeing pairs score higher. Prefer the wider: the mixed model ignores shared photos,
# and with 18 clusters robust errors tend to be too small.
#
# `same_light` compares pairs of *one pet* that share the light with pairs that do not, *the other
# columns being equal*. It is **not** what another lamp would do: it averages over these lights,
# knows no interactions, and takes along what has no column (pose, distance). From the same to
# the opposite view the loss is twice `cos_turn`.
#
# Does the model fit?

# %% [markdown] lang="pt"
# À direita do 0: fatores iguais, escore maior. Prefira o mais largo: o modelo misto ignora fotos em
# comum e, com 18 conglomerados, os erros padrão robustos tendem a ser pequenos demais.
#
# `same_light` compara pares do *mesmo animal* com a mesma luz e com luzes diferentes, *com as
# outras colunas iguais*. **Não** é o que outra lâmpada faria: é uma média sobre estas luzes, ignora
# interações e leva junto o que não tem coluna (pose, distância). Da mesma vista à oposta, a
# perda é duas vezes `cos_turn`.
#
# O modelo se ajusta bem?

# %%
plots.residual_plots(full.fittedvalues, full.resid)

# %% [markdown] lang="en"
# A wedge that narrows to the right is a ceiling: no cosine exceeds 1. Points off the line:
# residuals not normal. Then do not trust the mixed model alone.
#
# ### Exercise 2: change
# Is `same_light` the role in disguise? Change the first line so that only pairs of two `query`
# photos remain, where chance decided what is shared.

# %% [markdown] lang="pt"
# Uma cunha que se estreita à direita é um teto: nenhum cosseno passa de 1. Pontos fora da reta:
# resíduos não normais. Então não confie só no modelo misto.
#
# ### Exercício 2: modifique
# `same_light` seria só o papel, disfarçado? Modifique a primeira linha para ficar só com pares de
# duas fotos `query`: neles, coincidir é obra do acaso.

# %% tags=["exercise"]
chosen = pairs

if chosen["same_light"].any():  # else there is nothing to estimate
    refit = mixed(formula, chosen)
    for n, fitted in ((len(pairs), full), (len(chosen), refit)):
        low, high = fitted.conf_int().loc["same_light"]
        print(f"{n:5}   {fitted.params['same_light']:z.2f} [{low:z.2f}, {high:z.2f}]")
check(
    [len(chosen), chosen["same_light"].sum()],
    [378, 55 + 35],
    en="In the table of section 2, 55 + 35 of 378 pairs of query photos share the light.",
    pt="Na tabela da seção 2, 55 + 35 de 378 pares de fotos query compartilham a luz.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `pairs[pairs["roles"] == …]`: copy the name from that table.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `pairs[pairs["roles"] == …]`: copie o nome dessa tabela.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
chosen = pairs[pairs["roles"] == "query-query"]
refit = mixed(formula, chosen)
for n, fitted in ((len(pairs), full), (len(chosen), refit)):
    low, high = fitted.conf_int().loc["same_light"]
    print(f"{n:5}   {fitted.params['same_light']:z.2f} [{low:z.2f}, {high:z.2f}]")
check([len(chosen), chosen["same_light"].sum()], [378, 55 + 35])

# %% [markdown] lang="en"
# If it hardly changed, roles do not explain it. If it shrank: roles, or chance?
#
# ## 5. From observation to experiment
#
# So far we took pairs as they came. In an **experiment** we change one thing; all else,
# even the pose, stays. Code alters one sharp query photo of each pet:

# %% [markdown] lang="pt"
# Se pouco mudou, os papéis não o explicam. Se diminuiu: papéis, ou acaso?
#
# ## 5. Da observação ao experimento
#
# Até aqui, tomamos os pares como vieram. Em um **experimento**, mudamos uma coisa; o resto, até a
# pose, permanece. O código altera uma foto `query` nítida por animal:

# %%
from IPython.display import display


def tint(image, *gains):
    bands = zip(image.split(), gains, strict=True)
    return Image.merge("RGB", [band.point(lambda v, g=gain: v * g) for band, gain in bands])


def noisy(image):
    grain = np.random.default_rng(0).normal(0, 30, (image.height, image.width, 3))
    return Image.fromarray(np.uint8(np.clip(np.asarray(image) + grain, 0, 255)))


def compressed(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=5)
    return Image.open(file).convert("RGB")


tested = pets.query("role == 'query' and quality == 'sharp'").groupby("pet").head(1).index
print(len(tested), pets["pet"][tested].nunique())


# %% [markdown] lang="en"
# Seven changes. Colours change before cutting out, so that the grey around stays grey.

# %% [markdown] lang="pt"
# Sete mudanças. As cores mudam antes do recorte: o cinza continua cinza.


# %%
def changes(photo, mask):
    repainted = {
        "dark": tint(photo, 0.5, 0.5, 0.5),
        "warm": tint(photo, 1.25, 1, 0.6),
        "blur": photo.filter(ImageFilter.GaussianBlur(4)),
        "noise": noisy(photo),
        "JPEG": compressed(photo),
    }
    repainted = {name: background.cut_out(image, mask) for name, image in repainted.items()}
    cut, (left, top, right, bottom) = background.cut_out(photo, mask), mask.getbbox()
    (half := cut.copy()).paste(images.GREY, ((left + right) // 2, top, right, bottom))
    return {"—": cut} | repainted | {"mirror": ImageOps.mirror(cut), "half": half}


shown = changes(photos[tested[10]], masks[tested[10]])
for some in (list(shown)[:4], list(shown)[4:]):
    display(plots.photo_row([shown[name] for name in some], some))

# %% [markdown] lang="en"
# How far does each change move the scores with the gallery, 3 photos of the same pet and 51 of
# others? Between unit vectors the cosine is the dot product, linear in each: subtract first:

# %% [markdown] lang="pt"
# Quanto cada mudança desloca os escores com a galeria, 3 fotos do mesmo animal e 51 de outros?
# Entre vetores unitários, o cosseno é o produto escalar, que é linear; subtraia primeiro:

# %%
altered = [changes(photos[i], masks[i]) for i in tested]
names = list(shown)[1:]
flat = [one[name] for name in names for one in altered]
vectors = encoder.embed(flat, progress=progress).reshape(len(names), len(tested), -1)
shelter = np.flatnonzero(pets["role"] == "gallery")
shift = (vectors - embeddings[tested]) @ embeddings[shelter].T / spread
own = ids[tested][:, None] == ids[shelter]
print(shift.shape, own.sum(), (~own).sum())

# %%
genuine, impostor = ((shift * some).sum(2) / some.sum(1) for some in (own, ~own))
moved = {
    kind: {name: over_pets(row) for name, row in zip(names, rows, strict=True)}
    for kind, rows in [("genuine", genuine), ("genuine − impostor", genuine - impostor)]
}
plots.forest(moved)

# %% [markdown] lang="en"
# Ranking suffers where the open interval lies left of 0; where only the filled one does, thresholds
# suffer. And `mirror`: left and right markings differ, so if mirroring costs nothing, the model
# sees no difference.
#
# `dark` and `warm` imitate light; `blur`, `noise`, `JPEG` imitate quality. Do they agree with
# section 4? If not, ask: same dose? same photos? confounding? The experiment knows the cause, but
# only for *our* blur at *this* strength; the observation knows the lamps that occurred, with all
# that came along.
#
# ## 6. Does removing the background help?
#
# Another experiment: all, the pet alone, all but the pet.

# %% [markdown] lang="pt"
# A ordenação sofre onde o intervalo vazado fica à esquerda do 0; se só o cheio fica, sofrem os
# limiares. E `mirror`: as manchas de cada lado diferem; se espelhar não custa nada, o modelo
# não vê a diferença.
#
# `dark` e `warm` imitam a luz; `blur`, `noise` e `JPEG`, a qualidade. Concordam com a seção 4? Se
# não, pergunte: mesma dose? mesmas fotos? confundimento? O experimento conhece a causa, mas só para
# o *nosso* desfoque, *nesta* intensidade; a observação conhece as lâmpadas que ocorreram, com tudo
# o que veio junto.
#
# ## 6. Remover o fundo ajuda?
#
# Outro experimento: tudo, só o animal, tudo menos ele.

# %%
inverse = [ImageOps.invert(mask) for mask in masks]
holes = [background.cut_out(*pair) for pair in zip(photos, inverse, strict=True)]
i = tested[10]
plots.photo_row([photos[i], cuts[i], holes[i]], ["original", "foreground", "background"])

# %% [markdown] lang="en"
# Pets count, not photos: two of each role will do. We ask each setting *which pet?* (query against
# gallery) and, among *different* pets, *which place?* In d′: below 0, impostors are preferred.

# %% [markdown] lang="pt"
# Contam os animais, não as fotos: bastam duas de cada papel. A cada configuração perguntamos *qual
# animal?* (consulta × galeria) e, entre *diferentes*, *qual lugar?* Em d′: abaixo de 0, a
# preferência é por impostores.

# %%
few = pets.groupby(["pet", "role"]).head(2).index
role, who, place = (pets.loc[few, column].to_numpy() for column in ("role", "pet", "place"))
settings = {"foreground": embeddings[few]}
for name, pictures in [("original", photos), ("background", holes)]:
    settings[name] = encoder.embed([pictures[i] for i in few], progress=progress)
settings["colours"] = baselines.colours([photos[i] for i in few])


def task(name):
    query, gallery = role == "query", role == "gallery"
    return settings[name][query] @ settings[name][gallery].T, who[query], who[gallery]


print(task("original")[0].shape, f"{1 / 18:.2f}")


# %%
def separation(scores, query_ids, gallery_ids):
    return evaluation.d_prime(*evaluation.genuine_impostor_scores(scores, query_ids, gallery_ids))


rows = {}
for name, vectors in settings.items():
    others = np.where(who[:, None] == who, np.nan, vectors @ vectors.T)
    pair_scores = evaluation.genuine_impostor_scores(*task(name))
    rows[name] = {"d′ pet": separation(*task(name))}
    rows[name]["d′ place"] = separation(others, place, place)
    rows[name]["EER"] = evaluation.equal_error_rate(*pair_scores).rate
    rows[name]["recall@1"] = evaluation.recall_at_k(*task(name))
pd.DataFrame(rows).T.map("{:z.2f}".format)

# %% [markdown] lang="en"
# If `d′ place` is far higher for `original` than `foreground`, the scenery is in the vector: a
# **shortcut** (*atalho*), as in `colours`, a histogram of whole photos. It separates, but not what
# we asked for. Large ViTs take it, too (Shi et al.).
#
# Chance recall is 1/18 = 0.06. `background` may fall *below*: no query shares a place with its own
# gallery photos, but with other pets' it does. In a shelter it is the reverse: photos of one animal
# show one kennel, and the shortcut flatters. Report recall, background ÷ foreground: the **context
# ratio** (Rueda-Toicen et al., who also fill the hole: its outline betrays the pet).
#
# ## 7. Which setting is better?
#
# CLS or the mean of the patches? Letterbox, squash or crop? In square photos the three coincide; so
# we crop to the pet's box.

# %% [markdown] lang="pt"
# Se `d′ place` for bem maior em `original` que em `foreground`, o cenário está no vetor: um
# **atalho**, como em `colours`, histograma da foto: separa, mas não o que perguntamos. ViTs grandes
# o tomam (Shi et al.).
#
# O acaso acerta 1/18 = 0,06. `background` pode ficar *abaixo*: nenhuma consulta compartilha o lugar
# com a galeria do próprio animal, mas com a de outros, sim. Num abrigo, o contrário: as fotos de um
# animal mostram um canil, e o atalho ilude. Relate o *recall*, fundo ÷ animal: a **razão de
# contexto** (Rueda-Toicen et al.; eles preenchem o buraco: o contorno entrega o animal).
#
# ## 7. Qual configuração é melhor?
#
# CLS ou a média dos *patches*? Letterbox, squash ou crop? Em fotos quadradas, coincidem; por isso,
# cortamos na caixa do animal.

# %%
boxed = [cuts[i].crop(masks[i].getbbox()) for i in few]
settings["CLS"] = settings["foreground"]
settings["mean"] = encoder.embed([cuts[i] for i in few], pooling="mean", progress=progress)
for how in images.FITS:
    settings[how] = encoder.embed(boxed, how=how, progress=progress)
shown = [images.fit(boxed[k], 224, how) for k in (0, 3) for how in images.FITS]
plots.photo_row(shown, [*images.FITS] * 2)

# %% [markdown] lang="en"
# **Paired**: the jackknife (lesson 05) leaves a pet out of both settings at once; hard pets cancel.

# %% [markdown] lang="pt"
# **Pareado**: o *jackknife* (aula 05) deixa cada animal fora das duas configurações ao mesmo tempo;
# a dificuldade se cancela.

# %%
comparisons = [("original", "foreground"), ("background", "foreground"), ("mean", "CLS")]
comparisons += [("squash", "letterbox"), ("crop", "letterbox")]
gains = {}
for one, other in comparisons:
    scores, *who_is_who = task(one)
    both = scores, task(other)[0]
    gain = evaluation.paired_difference(separation, *both, *who_is_who, rate=False)
    gains[f"{one} − {other}"] = gain
plots.forest({"": gains}, "Δ d′")

# %% [markdown] lang="en"
# Left of 0: the first loses. Across 0: 18 pets cannot tell, which is not "no difference".
#
# ### Exercise 3: predict
# We drew 4 + 5 + 14 + 5 = 28 intervals of 95 % (in section 4, the robust ones). If nothing mattered
# and all were independent, with what probability would at least one exclude 0?

# %% [markdown] lang="pt"
# À esquerda do 0: a primeira perde. Com o 0 dentro: 18 animais não decidem, o que não quer dizer
# "não há diferença".
#
# ### Exercício 3: preveja
# Construímos 4 + 5 + 14 + 5 = 28 intervalos de 95 % (na seção 4, só os robustos). Se nada
# importasse e todos fossem independentes, com que probabilidade algum excluiria o 0?

# %% tags=["exercise"]
prediction = None

noise = np.random.default_rng(0).standard_normal((20_000, 28))
check(
    prediction,
    np.mean((abs(noise) > 1.96).any(axis=1)),
    en="First: with what probability do all 28 contain 0?",
    pt="Primeiro: com que probabilidade todos os 28 contêm o 0?",
    tolerance=0.02,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# One contains 0 with probability 0.95; two, with 0.95².
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# Um contém o 0 com probabilidade 0,95; dois, com 0,95².
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
prediction = 1 - 0.95**28
print(f"{prediction:.2f}")
check(prediction, np.mean((abs(noise) > 1.96).any(axis=1)), tolerance=0.02)

# %% [markdown] lang="en"
# Who looks at many factors finds one. So we looked at `dev` pets only: name the two or three
# effects you believe in, and confirm them once, on `test`.
#
# ## Quiz
#
# <details><summary>1. Pairs with the same light score higher. Will a better lamp help?</summary>
#
# Unknown: they differ in more than light. Change the lamp, or the pixels.
# </details>
# <details><summary>2. Recall falls without the background. Bad news?</summary>
#
# Perhaps good: what was lost may have been a shortcut.
# </details>
#
# ## Remember
# - Cross-tabulate the design first.
# - One number a pet; for many factors, a mixed model and robust errors.
# - Observations suggest causes; experiments test them.
# - A score that knows the place has a shortcut.
# - Many looks need fresh pets.
#
# **Next:** lesson 07, your own photos.
#
# ## References
# - N. Laird, J. Ware (1982).
#   [Random-effects models for longitudinal data](https://doi.org/10.2307/2529876).
# - [statsmodels: mixed effects](https://www.statsmodels.org/stable/mixed_linear.html)
# - C. Shi et al. (2026).
#   [Vision Transformers need more than registers](https://arxiv.org/abs/2602.22394).
# - A. Rueda-Toicen et al. (2026).
#   [Are we recognizing the jaguar or its background?](https://arxiv.org/abs/2604.09690)

# %% [markdown] lang="pt"
# Quem examina muitos fatores acaba achando um. Por isso olhamos só animais `dev`: escolha dois ou
# três efeitos plausíveis e confirme-os uma vez, em `test`.
#
# ## Questionário
#
# <details><summary>1. Pares com a mesma luz têm escore maior. Uma lâmpada melhor ajuda?</summary>
#
# Não se sabe: não diferem só na luz. Troque a lâmpada, ou os pixels.
# </details>
# <details><summary>2. O recall cai sem o fundo. Má notícia?</summary>
#
# Talvez boa: o que se perdeu podia ser um atalho.
# </details>
#
# ## Para lembrar
# - Primeiro, a tabela cruzada do delineamento.
# - Um número por animal; para muitos fatores, um modelo misto e erros padrão robustos.
# - Observações sugerem causas; experimentos as testam.
# - Um escore que conhece o lugar tem um atalho.
# - Muitas análises pedem animais novos.
#
# **A seguir:** aula 07, as suas próprias fotos.
#
# ## Referências
# - N. Laird, J. Ware (1982).
#   [Random-effects models for longitudinal data](https://doi.org/10.2307/2529876).
# - [statsmodels: mixed effects](https://www.statsmodels.org/stable/mixed_linear.html)
# - C. Shi et al. (2026).
#   [Vision Transformers need more than registers](https://arxiv.org/abs/2602.22394).
# - A. Rueda-Toicen et al. (2026).
#   [Are we recognizing the jaguar or its background?](https://arxiv.org/abs/2604.09690)
