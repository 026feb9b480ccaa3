# ---
# jupyter:
#   vitsim: {pt: 04_correspondencia}
# ---

# %% [markdown] lang="en"
# # 04 · Matching
#
# A dog is missing; a shelter has photographed hundreds. With embeddings and cosines in hand we can
# ask at last: which of these photos look most like this one? And what in them looks alike?
#
# **You will be able to**
# - rank a gallery for a query, by hand and with FAISS, without losing the order;
# - judge rankings by recall@k and mean average precision, against chance;
# - find which patch of one photo belongs to which of another.
#
# **Time:** 40 minutes and 20 for the exercises. **You need:** lesson 03; no network.

# %% [markdown] lang="pt"
# # 04 · Correspondência
#
# Um cachorro sumiu; um abrigo fotografou centenas. Com *embeddings* e cossenos em mãos, podemos
# enfim perguntar: quais destas fotos mais se parecem com esta? E o que há nelas de parecido?
#
# **Ao final, você saberá**
# - ordenar uma galeria para uma consulta, à mão e com o FAISS, sem perder a ordem;
# - avaliar ordenações com *recall@k* e *mean average precision*, comparadas ao acaso;
# - descobrir qual *patch* de uma foto corresponde a qual da outra.
#
# **Tempo:** 40 minutos, mais 20 para os exercícios. **Requisitos:** a aula 03; internet, não.

# %%
import math
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

try:
    from vitsim import background, datasets, evaluation, images, parts, plots, similarity
except ModuleNotFoundError:
    # %pip install --quiet "vitsim[notebooks] @ git+{{repository}}"
    # %env VITSIM_LANG={{language}}
    from vitsim import background, datasets, evaluation, images, parts, plots, similarity
from vitsim.encoder import Encoder
from vitsim.exercises import check
from vitsim.gallery import Gallery

# %matplotlib inline
print("vitsim ✓")

# %% [markdown] lang="en"
# Choose the model: `None` is the shipped `tiny`; the others need a network once.

# %% [markdown] lang="pt"
# Escolha o modelo: `None` é o `tiny`, que vem com o curso; os outros precisam de internet na
# primeira vez.

# %%
model = None  # "google/vit-base-patch16-224", "facebook/dinov2-small"

encoder = Encoder.load(model)
plots.name_model(encoder.name)
bar = encoder.name != "tiny"  # a progress bar where it takes longer
print(encoder.name, encoder.size, encoder.dim)

# %% [markdown] lang="en"
# ## 1. The gallery
#
# A **gallery** is the collection in which we search; a **query** is the photo we ask with. Real
# galleries are folders, so we make one, of pets cut out and cropped.

# %% [markdown] lang="pt"
# ## 1. A galeria
#
# Uma **galeria** (*gallery*) é a coleção em que buscamos; uma **consulta** (*query*), a foto com que
# perguntamos. Galerias reais são pastas; façamos uma, com os animais recortados e enquadrados.


# %%
def cut(row):
    photo, mask = images.open_photo(row["photo"]), Image.open(row["mask"])
    return background.cut_out(photo, mask, crop=True)


folder = Path(tempfile.mkdtemp())
for _, row in datasets.pets("gallery", "dev").iterrows():
    (folder / row["pet"]).mkdir(exist_ok=True)
    cut(row).save(folder / row["pet"] / f"{Path(row['photo']).stem}.png")
print(len(list(folder.glob("*/*.png"))), len(list(folder.iterdir())))

# %% [markdown] lang="en"
# 54 photos of 18 pets. `Gallery.build` embeds each and labels it with its folder's name.

# %% [markdown] lang="pt"
# 54 fotos de 18 animais. `Gallery.build` calcula seus *embeddings* e as rotula com o nome da pasta.

# %%
gallery = Gallery.build(folder, encoder, progress=bar)
table = gallery.photos[["path", "label"]]
print(gallery.vectors.shape)
print(table.head(4).to_string())

# %% [markdown] lang="en"
# One vector for each photo, and a table that says, row by row, whose it is.
#
# ## 2. Nearest neighbours
#
# The vectors have norm 1, so one matrix product gives all cosines. `argsort` puts the smallest
# first, hence the minus.

# %% [markdown] lang="pt"
# Um vetor por foto e uma tabela que diz de quem é cada uma.
#
# ## 2. Vizinhos mais próximos
#
# Os vetores têm norma 1; um produto de matrizes dá todos os cossenos. `argsort` põe o menor
# primeiro; daí o sinal de menos.

# %%
lost = datasets.pets("query", "dev").groupby("pet").head(4)
row = lost[lost["pet"] == "cat_022"].iloc[1]
query = cut(row)
vector = encoder.embed([query])[0]
scores = gallery.vectors @ vector
top = np.argsort(-scores)[:8]
print(scores.shape, top.shape, f"{scores[top[0]]:.2f}", table["label"][top[0]])

# %% [markdown] lang="en"
# 54 scores; we keep the eight best. `gallery.match` does the same. Four of its answers, with rank,
# score, and ✓ where it is the right cat:

# %% [markdown] lang="pt"
# 54 escores; guardamos os oito melhores. `gallery.match` faz o mesmo. Quatro respostas, com
# posição, escore e ✓ onde é o gato certo:

# %%
matches = gallery.match(query, k=8)
print(np.abs([match.score for match in matches] - scores[top]).max() < 1e-5)
plots.match_grid(query, matches[:4], truth=row["pet"])

# %% [markdown] lang="en"
# Never mind the light: compare spot by spot, as owners did. Would you have ranked them so?
#
# ### Exercise 1: change
# Here is a table of the eight best. Read the scores from top to bottom: something is wrong. Mend the
# line of `answer`.

# %% [markdown] lang="pt"
# Esqueça a luz: compare manchinha por manchinha, como os tutores. Você teria ordenado assim?
#
# ### Exercício 1: modifique
# Eis uma tabela das oito melhores. Leia os escores de cima para baixo: há algo errado. Conserte a
# linha de `answer`.

# %% tags=["exercise"]
scored = table.assign(score=scores)
answer = scored[scored.index.isin(top)]

print(answer.to_string(float_format="%.2f", index=False))
check(
    answer["score"],
    scores[top],
    en="Which photo comes first in `top`, and which in your table?",
    pt="Qual foto vem primeiro em `top`, e qual em sua tabela?",
    tolerance=1e-6,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `isin` asks of each row: are you among these? `table.loc[rows]` fetches rows one after another.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `isin` pergunta a cada linha: você está entre estas? `table.loc[linhas]` busca uma linha após a
# outra.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
answer = scored.loc[top]
print(answer.to_string(float_format="%.2f", index=False))
check(answer["score"], scores[top], tolerance=1e-6)

# %% [markdown] lang="en"
# `isin` tests membership, and a set has no order: the best match may stand last. The right photos,
# no error, a wrong answer. The tutorial from which this course grew had this very line, and no
# scores to give it away. So: **always show the score**.
#
# ## 3. A search engine
#
# **FAISS** searches among millions. `Flat`: the vectors as they are, all compared; `IP`: inner
# product.

# %% [markdown] lang="pt"
# `isin` testa pertinência, e um conjunto não tem ordem: a melhor pode acabar em último. As fotos
# certas, nenhum erro, a resposta errada. O tutorial que deu origem a este curso tinha essa
# linha, sem escores que a denunciassem. **Mostre sempre o escore**.
#
# ## 3. Um motor de busca
#
# O **FAISS** busca entre milhões. `Flat`: os vetores como são, todos comparados; `IP`: produto
# interno (*inner product*).

# %%
import sys

import faiss

if sys.platform == "darwin":  # there torch and FAISS quarrel over threads
    faiss.omp_set_num_threads(1)
index = faiss.IndexFlatIP(encoder.dim)
index.add(gallery.vectors)
found_scores, found = index.search(vector[None], 8)
print(index.ntotal, found.shape, np.abs(found_scores[0] - scores[top]).max() < 1e-5)

# %% [markdown] lang="en"
# The scores agree. Embedding was the slow part, so we save its result:

# %% [markdown] lang="pt"
# Os escores coincidem. Lento foi calcular os *embeddings*; guardemos o resultado:

# %%
file = Path(tempfile.mkdtemp()) / "gallery.faiss"
faiss.write_index(index, str(file))
reopened = faiss.read_index(str(file))
print(reopened.ntotal, np.array_equal(reopened.search(vector[None], 8)[1], found))
print(file.stat().st_size - gallery.vectors.nbytes)

# %% [markdown] lang="en"
# Reopened, it answers alike. Besides the vectors the file holds 45 bytes: no names, no model. Asked
# with another model's vector of equal length, it would answer nonsense. `Gallery.build(…, out=…)`
# keeps both beside the vectors, and refuses such a query.
#
# ## 4. How good is a ranking?
#
# Five ranked answers; 1 where the right pet is shown. **Recall@k** (0 or 1, a hit rate): is one of
# the first k right? **Precision@k**: what share of them is? **Average precision** (AP): the mean of
# the precisions at the right answers.

# %% [markdown] lang="pt"
# Reaberto, responde igual. Além dos vetores, o arquivo tem 45 bytes: nem nomes, nem modelo. Com um
# vetor de outro modelo e mesmo tamanho, responderia absurdos. `Gallery.build(…, out=…)` guarda
# ambos com os vetores e recusa essa consulta.
#
# ## 4. Quão boa é uma ordenação?
#
# Cinco respostas em ordem; 1 onde aparece o animal certo. ***Recall@k*** (0 ou 1, *hit rate*): há
# uma certa entre as k primeiras? **Precisão@k**: que proporção delas é certa? ***Average
# precision*** (AP): a média das precisões nas respostas certas.

# %%
from sklearn.metrics import average_precision_score

right = np.array([0, 1, 0, 0, 1])
recall = [int(right[:k].any()) for k in range(1, 6)]
precision = np.cumsum(right) / np.arange(1, 6)
print(recall, precision.round(2))
by_sklearn = average_precision_score(right, [5, 4, 3, 2, 1])
print(f"AP {precision[right == 1].mean():.2f} {by_sklearn:.2f}")

# %% [markdown] lang="en"
# (0.50 + 0.40) / 2 = 0.45, by hand and by scikit-learn, which takes scores.
#
# ### Exercise 2: predict
# Now the right answers are the first and the fourth. What is the AP?

# %% [markdown] lang="pt"
# (0,50 + 0,40) / 2 = 0,45, à mão e com o scikit-learn, que recebe escores.
#
# ### Exercício 2: preveja
# Agora as respostas certas são a primeira e a quarta. Quanto vale a AP?

# %% tags=["exercise"]
prediction = None

check(
    prediction,
    average_precision_score([1, 0, 0, 1, 0], [5, 4, 3, 2, 1]),
    en="Precision at the first place, precision at the fourth; then their mean.",
    pt="Precisão na primeira posição, precisão na quarta; depois, a média.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# Among the first four, two are right.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# Entre as quatro primeiras, duas são certas.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
prediction = (1 / 1 + 2 / 4) / 2
print(f"{prediction:.2f}")
check(prediction, average_precision_score([1, 0, 0, 1, 0], [5, 4, 3, 2, 1]))

# %% [markdown] lang="en"
# Now 72 queries, four of each pet, none in the light or place of its gallery photos:

# %% [markdown] lang="pt"
# Agora, 72 consultas, quatro por animal, nenhuma na luz nem no lugar de suas fotos da galeria:

# %%
vectors = encoder.embed([cut(row) for _, row in lost.iterrows()], progress=bar)
all_scores = vectors @ gallery.vectors.T
ids, gallery_ids = lost["pet"].to_numpy(), table["label"].to_numpy()
first = gallery_ids[all_scores.argmax(axis=1)] == ids
print(all_scores.shape, first.shape)
recall_at_1 = evaluation.recall_at_k(all_scores, ids, gallery_ids, k=1)
print(f"recall@1 {first.mean():.2f} {recall_at_1:.2f}")

# %% [markdown] lang="en"
# Recall@1 is the share of queries whose first answer is right. The mean of their APs is the **mean
# average precision** (mAP):

# %% [markdown] lang="pt"
# *Recall@1* é a proporção de consultas cuja primeira resposta é certa. A média de suas APs é a
# ***mean average precision*** (mAP):

# %%
genuine = ids[:, None] == gallery_ids
each = [average_precision_score(*pair) for pair in zip(genuine, all_scores, strict=True)]
mean_ap = evaluation.mean_average_precision(all_scores, ids, gallery_ids)
print(f"mAP {np.mean(each):.2f} {mean_ap:.2f}")

# %% [markdown] lang="en"
# Is that good? First ask what chance achieves.
#
# ### Exercise 3: build
# Shuffle the n = 54 photos, of which m = 3 show the right pet. What is the probability that at least
# one of them is among the first k?

# %% [markdown] lang="pt"
# Isso é bom? Antes, quanto consegue o acaso?
#
# ### Exercício 3: construa
# Embaralhe as n = 54 fotos, das quais m = 3 mostram o animal certo. Qual é a probabilidade de ao
# menos uma estar entre as k primeiras?


# %% tags=["exercise"]
from scipy.stats import hypergeom


def chance(k, n=54, m=3):
    return k * m / n


print(np.array([chance(k) for k in (1, 4, 20)], float).round(2))
check(
    [chance(k) for k in (1, 4, 20)],
    hypergeom.sf(0, 54, 3, [1, 4, 20]),
    en="A probability never exceeds 1, and no photo is drawn twice.",
    pt="Uma probabilidade nunca passa de 1, e nenhuma foto é sorteada duas vezes.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# The opposite is easier: all k come from the n − m others. `math.comb` counts choices.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# O contrário é mais fácil: todas as k vêm das outras n − m. `math.comb` conta combinações.
# </details>


# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
def chance(k, n=54, m=3):
    return 1 - math.comb(n - m, k) / math.comb(n, k)


print(np.array([chance(k) for k in (1, 4, 20)], float).round(2))
check([chance(k) for k in (1, 4, 20)], hypergeom.sf(0, 54, 3, [1, 4, 20]))

# %% [markdown] lang="en"
# One minus the hypergeometric probability of none. At k = 4 chance alone finds the pet for one
# query in five. And the model?

# %% [markdown] lang="pt"
# Um menos a probabilidade hipergeométrica de nenhuma. Com k = 4, o acaso já acerta uma consulta em
# cada cinco. E o modelo?

# %%
ks = range(1, 55)
curve = [evaluation.recall_at_k(all_scores, ids, gallery_ids, k) for k in ks]
by_chance = hypergeom.sf(0, 54, 3, ks)
print(f"recall@4 {curve[3]:.2f}   chance {by_chance[3]:.2f}")
plots.recall_curves({encoder.name: np.array(curve), "chance": by_chance})

# %% [markdown] lang="en"
# At k = 54 everything is shown: both are 1. What counts lies on the left: how far the solid line
# stands above the dashed one, for as many photos as a person will look at.
#
# ## 5. A query without a counterpart
#
# This dog is in no photo of the gallery.

# %% [markdown] lang="pt"
# Em k = 54, mostra-se tudo: ambas valem 1. Importa o lado esquerdo: o quanto a linha cheia fica
# acima da tracejada, até onde uma pessoa vai olhar.
#
# ## 5. Uma consulta sem correspondente
#
# Este cão não está em nenhuma foto da galeria.

# %%
strangers = datasets.pets("stranger", "dev").groupby("pet").head(4)
stranger = strangers.iloc[0]
plots.match_grid(cut(stranger), gallery.match(cut(stranger)), truth=stranger["pet"])

# %% [markdown] lang="en"
# Four answers, with scores, as always. **A ranking cannot say "not here".** Does a score tell?
# Twelve photos of three strangers, the best score; our 72 known, the right pet's best:

# %% [markdown] lang="pt"
# Quatro respostas, com escores, como sempre. **Uma ordenação não sabe dizer "não está aqui".** O
# escore denuncia? De 12 fotos de três estranhos (*strangers*), o melhor escore; de 72 de conhecidos
# (*known*), o do animal certo:

# %%
unknown = encoder.embed([cut(row) for _, row in strangers.iterrows()]) @ gallery.vectors.T
right = np.where(genuine, all_scores, -np.inf).max(axis=1)
plots.score_strips({"known": right, "stranger": unknown.max(axis=1)})

# %% [markdown] lang="en"
# Look for a score that no stranger reaches and most known pets do: a **threshold**. The more the
# strips overlap, the dearer it is. Lesson 05 chooses one and counts its errors.
#
# ## 6. Exact or approximate
#
# Comparing with all is exact, and slow for millions. **HNSW** links each vector to its neighbours
# and walks along the links towards the query. Ten invented photos each of 1,000 pets:

# %% [markdown] lang="pt"
# Procure um escore que nenhum estranho alcance e a maioria dos conhecidos, sim: um **limiar**. Quanto
# mais as faixas se sobrepõem, mais caro ele sai. A aula 05 escolhe um e conta seus erros.
#
# ## 6. Exato ou aproximado
#
# Comparar com todos é exato e, entre milhões, lento. O **HNSW** liga cada vetor a vizinhos e
# caminha pelas ligações rumo à consulta. Dez fotos inventadas de cada um de 1.000 animais:

# %%
rng = np.random.default_rng(0)
pets = rng.standard_normal((1000, 64))
photos = np.repeat(pets, 10, axis=0) + rng.standard_normal((10_000, 64))
asked = pets[:100] + rng.standard_normal((100, 64))
# On a grid sums are exact, so that every machine walks the same way.
photos, asked = (np.round(512 * similarity.normalise(some)) / 512 for some in (photos, asked))

exact = faiss.IndexFlatIP(64)
graph = faiss.IndexHNSWFlat(64, 16, faiss.METRIC_INNER_PRODUCT)  # 64 numbers, 16 links each
exact.add(photos)
graph.add(photos)
print(exact.ntotal, graph.ntotal)

# %% [markdown] lang="en"
# How many of the ten exact neighbours does it find (here, its *recall*)? `efSearch` says how widely it looks around.

# %% [markdown] lang="pt"
# Quantos dos dez vizinhos exatos ele encontra (aqui, seu *recall*)? `efSearch` diz o quanto olha em volta.

# %%
_, truth = exact.search(asked, 10)
for width in (10, 40, 160):
    graph.hnsw.efSearch = width
    faiss.cvar.hnsw_stats.reset()
    _, near = graph.search(asked, 10)
    kept = [len(np.intersect1d(*pair)) / 10 for pair in zip(truth, near, strict=True)]
    share = faiss.cvar.hnsw_stats.ndis / (100 * 10_000)
    print(f"efSearch {width:3}   recall {np.mean(kept):.2f}   compared {share:.2f}")

# %% [markdown] lang="en"
# `compared` is the share of the gallery that it looked at. Recall is bought with work, and what is
# missing is missing silently. With a shelter's thousands of photos, stay exact.
#
# ## 7. Parts
#
# *What* makes two photos alike? Besides CLS the model gives a vector for each patch. Two patches of
# two photos are **mutual nearest neighbours** if each is the other's most similar. We try them on a
# motorcycle seen from two places, and on coffee.

# %% [markdown] lang="pt"
# `compared` é a proporção da galeria que ele olhou. *Recall* se compra com trabalho, e o que falta
# some em silêncio. Com os milhares de fotos de um abrigo, fique com a busca exata.
#
# ## 7. Partes
#
# *O que* torna duas fotos parecidas? Além do CLS, o modelo dá um vetor para cada *patch*. Dois
# *patches* de duas fotos são **vizinhos mútuos** (*mutual nearest neighbours*) se cada um é o mais
# semelhante ao outro. Vejamos com uma moto, vista de dois lugares, e uma xícara.

# %%
names = ["motorcycle_left", "motorcycle_right", "coffee"]
scenes = [images.fit(images.open_photo(datasets.sample(n)), 448, "crop") for n in names]
left, right_view, coffee = (encoder.patch_tokens(scene) for scene in scenes)
flat = [tokens.reshape(-1, encoder.dim) for tokens in (left, right_view)]
cosines = similarity.cosine_similarity(*flat)
to_right, to_left = cosines.argmax(axis=1), cosines.argmax(axis=0)
mutual = to_left[to_right] == np.arange(len(to_right))
print(left.shape, cosines.shape, mutual.sum(), len(parts.correspondences(left, right_view)))

# %% [markdown] lang="en"
# As many by hand as by `vitsim.parts`. Are they true? Both cameras were aligned, so every point
# keeps its *row*. Pairs that do are drawn solid; the second photo hangs lower, so that they run
# parallel. At most 25 pairs are drawn.

# %% [markdown] lang="pt"
# Tantos pares à mão quanto com `vitsim.parts`. São verdadeiros? As duas câmeras estavam alinhadas:
# todo ponto conserva sua *linha* (*row*). Pares que a conservam têm traço cheio; a segunda foto
# está mais baixa, para que corram paralelos. Desenham-se até 25 pares.

# %%
pairs, in_row = [], []
for scene, tokens in zip(scenes[1:], (right_view, coffee), strict=True):
    every = parts.correspondences(left, tokens)
    rows = every.a[:, 0] == every.b[:, 0]
    print(f"{len(every):3} pairs   score {every.scores.mean():.2f}   same row {rows.mean():.2f}")
    pairs.append((scenes[0], scene, parts.correspondences(left, tokens, k=25)))
    in_row.append(rows[:25])
plots.patch_lines(pairs, encoder.grid, ["motorcycle", "coffee"], in_row)

# %% [markdown] lang="en"
# Coffee is the control: nothing there belongs to anything, yet neighbours are found. If there `same
# row` far exceeds 1/`encoder.grid`, the model pairs *places in the picture*, not things.
#
# Now the pets, cropped close so that more patches show them. The renderer knows which part of the
# body each pixel shows.

# %% [markdown] lang="pt"
# A xícara é o controle: ali nada corresponde a nada e, mesmo assim, surgem vizinhos. Se ali `same
# row` passa muito de 1/`encoder.grid`, o modelo pareia *lugares da imagem*, não coisas.
#
# Agora os animais, com a foto cortada rente a eles: mais *patches* os mostram. O programa que os
# gerou sabe que parte do corpo cada pixel mostra.


# %%
def view(row):
    mask, numbers = Image.open(row["mask"]), Image.open(row["parts"])
    whole = background.cut_out(images.open_photo(row["photo"]), mask)
    photo, mask, numbers = (one.crop(mask.getbbox()) for one in (whole, mask, numbers))
    covered = parts.patch_coverage(mask, encoder.grid) >= 0.5
    which = parts.patch_parts(numbers, encoder.grid)
    return photo, encoder.patch_tokens(photo), covered, which, numbers


shots = datasets.pets(split="dev").query("role != 'stranger'")
photo, tokens, covered, which, numbers = view(shots[shots["pet"] == "cat_022"].iloc[0])
print(tokens.shape, covered.sum(), np.unique(which[covered]))
plots.photo_row([photo, numbers], ["photo", "parts"])

# %% [markdown] lang="en"
# Ten parts: head, ears, muzzle, neck, torso, each leg, tail. We compare each pet's first photo with
# two taken from nearly the same side: one of its own (`same pet`), one of another of its species
# (`other pet`).

# %% [markdown] lang="pt"
# Dez partes: cabeça, orelhas, focinho, pescoço, tronco, cada pata, cauda. Comparamos a primeira foto
# de cada animal com duas tiradas quase do mesmo lado: uma dele (`same pet`), outra de um animal da
# mesma espécie (`other pet`).

# %%
starts = shots.drop_duplicates("pet")
rivals = starts.groupby("species")["pet"].transform(
    lambda pets: np.roll(pets, -2)
)  # by 2: no litter-mate


def like(row, pet):
    others = shots[(shots["pet"] == pet) & (shots["photo"] != row["photo"])]
    turn = np.abs((others["azimuth_deg"] - row["azimuth_deg"] + 180) % 360 - 180)
    return others.loc[turn.idxmin()]


trios = []
for (_, row), rival in zip(starts.iterrows(), rivals, strict=True):
    trios.append([view(one) for one in (row, like(row, row["pet"]), like(row, rival))])
print(len(trios), "×", len(trios[0]))

# %% [markdown] lang="en"
# Only patches at least half covered by the pet take part. Solid lines join the same part.

# %% [markdown] lang="pt"
# Só participam *patches* com ao menos metade coberta pelo animal. O traço cheio une a mesma parte.


# %%
def joined(one, other):
    (_, a, a_in, a_part, _), (_, b, b_in, b_part, _) = one, other
    found = parts.correspondences(a, b, a_in, b_in)
    same = a_part[tuple(found.a.T)] == b_part[tuple(found.b.T)]
    both = a_in & b_in  # the control: patches at the same place of the picture
    return found, same, np.mean(a_part[both] == b_part[both])


cat, own, rival = trios[list(starts["pet"]).index("cat_022")]
(of_own, own_same, _), (of_rival, rival_same, _) = joined(cat, own), joined(cat, rival)
pairs = [(cat[0], own[0], of_own), (cat[0], rival[0], of_rival)]
plots.patch_lines(pairs, encoder.grid, ["same pet", "other pet"], [own_same, rival_same])

# %% [markdown] lang="en"
# One cat proves little. For all 18 pets: pairs of patches, their mean score, the share that join
# the same part, and that share for patches at the same place.

# %% [markdown] lang="pt"
# Um gato prova pouco. Para os 18 animais: pares de *patches* entre duas fotos, seu escore médio, a
# proporção que une a mesma parte e essa proporção entre *patches* do mesmo lugar.

# %%
shares = []
for at, name in [(1, "same pet"), (2, "other pet")]:
    results = [joined(trio[0], trio[at]) for trio in trios]
    count = np.mean([len(found) for found, _, _ in results])
    score = np.concatenate([found.scores for found, _, _ in results]).mean()
    shares.append([same.mean() if len(same) else 0 for _, same, _ in results])
    place = np.mean([place for _, _, place in results])
    print(f"{name:9} {count:6.2f} {score:6.2f} {np.mean(shares[-1]):6.2f} {place:6.2f}")
coin = f"{len(trios) / 2:.0f} ± {math.sqrt(len(trios)):.0f}"
print(np.greater(*shares).sum(), "of", len(trios), f"({coin})")

# %% [markdown] lang="en"
# If there are more pairs and higher scores above than below, it knows the pet's fur or build. Only
# if the third column exceeds the fourth do pairs know anatomy beyond place: seen from one side,
# heads lie where heads lie. The last line says for how many pets the own photo agrees more often;
# tossing coins would give 9 ± 4 (two standard deviations).
#
# ## Quiz
#
# <details><summary>1. The first match scores 0.95. Is it the right animal?</summary>
#
# That cannot be told: something is always first. Ask what strangers score.
# </details>
# <details><summary>2. The gallery gains 1,000 other pets. What happens to recall@4?</summary>
#
# It falls or stays: more photos compete for four places.
# </details>
# <details><summary>3. Why must neighbours be mutual?</summary>
#
# Every patch has a nearest one, even in coffee; few are chosen in return.
# </details>
#
# ## Remember
# - Ranking is a matrix product and a sort; keep the order, show the score.
# - Recall@k and mAP mean something only beside chance and the gallery's size.
# - A ranking always answers, even where it should not.
# - Mutual neighbours show what looks alike; always draw a control.
#
# **Next:** lesson 05 asks how sure we are: thresholds, errors, intervals.
#
# ## References
# - M. Douze et al. (2024). [The Faiss library](https://arxiv.org/abs/2401.08281).
# - Y. Malkov, D. Yashunin (2018). [Efficient and robust approximate nearest neighbor search using
#   HNSW](https://arxiv.org/abs/1603.09320).
# - C. Manning, P. Raghavan, H. Schütze (2008). [Evaluation of ranked
#   results](https://nlp.stanford.edu/IR-book/html/htmledition/evaluation-of-ranked-retrieval-results-1.html).
# - S. Amir et al. (2021). [Deep ViT features as dense visual
#   descriptors](https://arxiv.org/abs/2112.05814) (mutual nearest patches).
# - D. Scharstein et al. (2014). [High-resolution stereo
#   datasets](https://vision.middlebury.edu/stereo/data/scenes2014/) (the motorcycle).

# %% [markdown] lang="pt"
# Se há mais pares e escores mais altos em cima que embaixo, o modelo conhece pelagem ou porte do
# animal. Só se a terceira coluna supera a quarta os pares conhecem anatomia além do lugar: do mesmo
# lado, cabeça fica onde fica cabeça. A última linha diz em quantos animais `same pet` supera `other
# pet` nessa coluna; cara ou coroa daria 9 ± 4 (2 desvios padrão).
#
# ## Questionário
#
# <details><summary>1. A primeira resposta tem escore 0,95. É o animal certo?</summary>
#
# Não dá para dizer: algo sempre vem em primeiro. Pergunte quanto alcançam os estranhos.
# </details>
# <details><summary>2. A galeria ganha 1.000 outros animais. E o recall@4?</summary>
#
# Cai ou fica igual: mais fotos disputam quatro lugares.
# </details>
# <details><summary>3. Por que os vizinhos precisam ser mútuos?</summary>
#
# Todo *patch* tem um mais próximo, até numa xícara; poucos são escolhidos de volta.
# </details>
#
# ## Para lembrar
# - Ordenar é um produto de matrizes e um `argsort`; mantenha a ordem, mostre o escore.
# - *Recall@k* e mAP só fazem sentido diante do acaso e do tamanho da galeria.
# - Uma ordenação sempre responde, mesmo quando não deveria.
# - Vizinhos mútuos mostram o que se parece; desenhe sempre um controle.
#
# **A seguir:** a aula 05 pergunta quanta certeza temos: limiares, erros, intervalos.
#
# ## Referências
# - M. Douze et al. (2024). [The Faiss library](https://arxiv.org/abs/2401.08281).
# - Y. Malkov, D. Yashunin (2018). [Efficient and robust approximate nearest neighbor search using
#   HNSW](https://arxiv.org/abs/1603.09320).
# - C. Manning, P. Raghavan, H. Schütze (2008). [Evaluation of ranked
#   results](https://nlp.stanford.edu/IR-book/html/htmledition/evaluation-of-ranked-retrieval-results-1.html).
# - S. Amir et al. (2021). [Deep ViT features as dense visual
#   descriptors](https://arxiv.org/abs/2112.05814) (vizinhos mútuos).
# - D. Scharstein et al. (2014). [High-resolution stereo
#   datasets](https://vision.middlebury.edu/stereo/data/scenes2014/) (a moto).
