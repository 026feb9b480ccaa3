# ---
# jupyter:
#   vitsim: {pt: 04_correspondencia}
# ---

# %% [markdown] lang="en"
# # 04 · Matching
#
# A dog is missing; a shelter has photographed hundreds. With embeddings (lesson 02) and cosines
# (lesson 03) in hand, we can ask at last: which of these photos look most like this one? And what
# in them looks alike?
#
# **You will be able to**
# - rank a gallery for a query, by hand and with FAISS, without losing the order;
# - say how good rankings are: recall@k and mean average precision, against chance;
# - find which patch of one photo belongs to which of another.
#
# **Time:** 40 minutes and 20 for the exercises. **You need:** lesson 03; no network.

# %% [markdown] lang="pt"
# # 04 · Correspondência
#
# Um cachorro sumiu; um abrigo fotografou centenas. Com *embeddings* (aula 02) e cossenos (aula 03)
# em mãos, podemos enfim perguntar: quais destas fotos mais se parecem com esta? E o que nelas se
# parece?
#
# **Ao final, você saberá**
# - ordenar uma galeria para uma consulta, à mão e com o FAISS, sem perder a ordem;
# - dizer quão boas são as ordenações: *recall@k* e *mean average precision*, diante do acaso;
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
bar = encoder.name != "tiny"  # a progress bar where it takes longer
print(encoder.name, encoder.size, encoder.dim)

# %% [markdown] lang="en"
# ## 1. The gallery
#
# A **gallery** is the collection in which we search; a **query** is the photo we ask with. Real
# galleries are folders, so we make one: the pets cut out by their exact masks, a folder for each.

# %% [markdown] lang="pt"
# ## 1. A galeria
#
# Uma **galeria** (*gallery*) é a coleção em que buscamos; uma **consulta** (*query*) é a foto com
# que perguntamos. Galerias reais são pastas; façamos uma: os animais recortados com suas máscaras
# exatas, uma pasta para cada um.


# %%
def cut(row):
    return background.cut_out(images.open_photo(row["photo"]), Image.open(row["mask"]))


folder = Path(tempfile.mkdtemp())
for _, row in datasets.pets("gallery", "dev").iterrows():
    (folder / row["pet"]).mkdir(exist_ok=True)
    cut(row).save(folder / row["pet"] / f"{Path(row['photo']).stem}.png")
print(len(list(folder.glob("*/*.png"))), len(list(folder.iterdir())))

# %% [markdown] lang="en"
# 54 photos of 18 pets. `Gallery.build` embeds each one, and labels it with its folder's name.

# %% [markdown] lang="pt"
# 54 fotos de 18 animais. `Gallery.build` calcula o *embedding* de cada uma e a rotula com o nome de
# sua pasta.

# %%
gallery = Gallery.build(folder, encoder, progress=bar)
table = gallery.photos[["path", "label"]]
print(gallery.vectors.shape)
print(table.head(4).to_string())

# %% [markdown] lang="en"
# One row of numbers a photo, each of norm 1; and a table that says, row by row, whose it is.
#
# ## 2. Nearest neighbours
#
# All vectors being of norm 1, a matrix product gives all cosines at once. `argsort` puts the
# smallest first, hence the minus.

# %% [markdown] lang="pt"
# Uma linha de números por foto, cada uma de norma 1; e uma tabela que diz, linha a linha, de quem
# ela é.
#
# ## 2. Vizinhos mais próximos
#
# Como todos os vetores têm norma 1, um produto de matrizes dá todos os cossenos de uma vez.
# `argsort` põe o menor primeiro; daí o sinal de menos.

# %%
lost = datasets.pets("query", "dev").groupby("pet").head(4)
row = lost[lost["pet"] == "cat_022"].iloc[1]
query = cut(row)
vector = encoder.embed([query])[0]
scores = gallery.vectors @ vector
top = np.argsort(-scores)[:8]
print(scores.shape, top.shape, f"{scores[top[0]]:.2f}", table["label"][top[0]])

# %% [markdown] lang="en"
# 54 scores, of which we keep the eight best. `gallery.match` does the same; we show four of its
# answers with rank, score and ✓ where it is the right cat.

# %% [markdown] lang="pt"
# São 54 escores, dos quais guardamos os oito melhores. `gallery.match` faz o mesmo; mostramos
# quatro respostas, com posição, escore e ✓ onde é o gato certo.

# %%
matches = gallery.match(query, k=8)
print(np.abs([match.score for match in matches] - scores[top]).max() < 1e-5)
plots.match_grid(query, matches[:4], truth=row["pet"])

# %% [markdown] lang="en"
# Never mind the light: compare the patches of fur, as the volunteers did. Would you have ranked the
# four like this?
#
# ### Exercise 1: change
# A table of the eight best, the way many programs look it up. Read the scores from top to bottom.
# Something is wrong: mend the line of `answer`.

# %% [markdown] lang="pt"
# Não se prenda à luz: compare as manchas do pelo, como faziam os voluntários. Você teria ordenado
# as quatro assim?
#
# ### Exercício 1: modifique
# Uma tabela das oito melhores, consultada como fazem muitos programas. Leia os escores de cima para
# baixo. Há algo errado: conserte a linha de `answer`.

# %% tags=["exercise"]
scored = table.assign(score=scores)
answer = scored[scored.index.isin(top)]

print(answer.to_string(float_format="%.2f", index=False))
check(
    answer.index,
    top,
    en="The right eight photos, in the order of the table. Which of them is first in `top`?",
    pt="As oito fotos certas, na ordem da tabela. Qual delas vem primeiro em `top`?",
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

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true}
answer = scored.loc[top]
print(answer.to_string(float_format="%.2f", index=False))
check(answer.index, top)

# %% [markdown] lang="en"
# `isin` tests membership, and a set has no order: the best match may stand last. No error, the
# right photos, a wrong answer. The tutorial from which this course grew had this very line, and
# showed no scores by which to notice. So: **always show the score**.
#
# ## 3. A search engine
#
# **FAISS** searches fast, among millions. `Flat` means: keep the vectors as they are, compare with
# all; `IP`, inner product.

# %% [markdown] lang="pt"
# `isin` testa pertinência, e um conjunto não tem ordem: o melhor pode acabar em último. Nenhum
# erro, as fotos certas, a resposta errada. O tutorial que deu origem a este curso tinha exatamente
# essa linha, sem escores que a denunciassem. Portanto: **mostre sempre o escore**.
#
# ## 3. Um motor de busca
#
# O **FAISS** busca depressa, entre milhões. `Flat` quer dizer: guarda os vetores como são e compara
# com todos; `IP`, *inner product*, produto interno.

# %%
import faiss

faiss.omp_set_num_threads(1)  # on macOS torch and FAISS quarrel over threads
index = faiss.IndexFlatIP(encoder.dim)
index.add(gallery.vectors)
found_scores, found = index.search(vector[None], 8)
print(index.ntotal, found.shape, np.abs(found_scores[0] - scores[top]).max() < 1e-5)

# %% [markdown] lang="en"
# The same scores as by hand. Embedding was the slow part, so we save its result:

# %% [markdown] lang="pt"
# Os mesmos escores obtidos à mão. Lento foi calcular os *embeddings*; guardemos o resultado:

# %%
file = Path(tempfile.mkdtemp()) / "gallery.faiss"
faiss.write_index(index, str(file))
reopened = faiss.read_index(str(file))
print(reopened.ntotal, np.array_equal(reopened.search(vector[None], 8)[1], found))
print(file.stat().st_size - gallery.vectors.nbytes)

# %% [markdown] lang="en"
# Reopened, it answers alike. Beyond the vectors the file holds a few bytes: no names, no model. Ask
# it with another model's vector of the same length, and it answers nonsense. `Gallery.build(…,
# out=…)` keeps table and model beside the vectors, and refuses such a query.
#
# ## 4. How good is a ranking?
#
# Five ranked answers; 1 where the right pet is shown. **Recall@k**: is one of the first k right?
# **Precision@k**: what share of them is? The **average precision** (AP) is the mean of the
# precisions at the right answers.

# %% [markdown] lang="pt"
# Reaberto, ele responde igual. Além dos vetores, o arquivo tem poucos bytes: nem nomes, nem modelo.
# Pergunte-lhe com o vetor de outro modelo, de mesmo tamanho, e a resposta será um disparate.
# `Gallery.build(…, out=…)` guarda tabela e modelo com os vetores e recusa tal consulta.
#
# ## 4. Quão boa é uma ordenação?
#
# Cinco respostas em ordem; 1 onde aparece o animal certo. ***Recall@k***: há uma certa entre as k
# primeiras? **Precisão@k**: que proporção delas é certa? A ***average precision*** (AP) é a média
# das precisões nas respostas certas.

# %%
from sklearn.metrics import average_precision_score

right = np.array([0, 1, 0, 0, 1])
recall = [int(right[:k].any()) for k in range(1, 6)]
precision = np.cumsum(right) / np.arange(1, 6)
print(recall, precision.round(2))
print(f"{precision[right == 1].mean():.2f} {average_precision_score(right, [5, 4, 3, 2, 1]):.2f}")

# %% [markdown] lang="en"
# (0.50 + 0.40) / 2 = 0.45, by hand and by scikit-learn, which wants scores: the higher, the
# earlier.
#
# ### Exercise 2: predict
# Now the right answers are the first and the fourth. AP?

# %% [markdown] lang="pt"
# (0,50 + 0,40) / 2 = 0,45, à mão e com o scikit-learn, que pede escores: quanto maior, mais cedo.
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

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true}
prediction = (1 / 1 + 2 / 4) / 2
print(f"{prediction:.2f}")
check(prediction, average_precision_score([1, 0, 0, 1, 0], [5, 4, 3, 2, 1]))

# %% [markdown] lang="en"
# Now 72 queries, four of each pet, in other light and another place than its gallery photos.

# %% [markdown] lang="pt"
# Agora, 72 consultas, quatro de cada animal, com luz e lugar diferentes dos de suas fotos na
# galeria.

# %%
vectors = encoder.embed([cut(row) for _, row in lost.iterrows()], progress=bar)
all_scores = vectors @ gallery.vectors.T
ids, gallery_ids = lost["pet"].to_numpy(), table["label"].to_numpy()
first = gallery_ids[all_scores.argmax(axis=1)] == ids
print(all_scores.shape, first.shape)
print(f"{first.mean():.2f} {evaluation.recall_at_k(all_scores, ids, gallery_ids, k=1):.2f}")

# %% [markdown] lang="en"
# Recall@1 of all queries is the share whose first answer is right. The mean of their APs is the
# **mean average precision** (mAP):

# %% [markdown] lang="pt"
# O *recall@1* de todas as consultas é a proporção cuja primeira resposta é certa. A média de suas
# APs é a ***mean average precision*** (mAP):

# %%
genuine = ids[:, None] == gallery_ids
each = [average_precision_score(*pair) for pair in zip(genuine, all_scores, strict=True)]
mean_ap = evaluation.mean_average_precision(all_scores, ids, gallery_ids)
print(f"{np.mean(each):.2f} {mean_ap:.2f}")

# %% [markdown] lang="en"
# Is that good? Ask first what chance achieves.
#
# ### Exercise 3: build
# Shuffle the n = 54 photos, of which m = 3 show the right pet. What is the probability that at least
# one of them is among the first k?

# %% [markdown] lang="pt"
# Isso é bom? Pergunte antes o que o acaso consegue.
#
# ### Exercício 3: construa
# Embaralhe as n = 54 fotos, das quais m = 3 mostram o animal certo. Qual é a probabilidade de que
# ao menos uma delas esteja entre as k primeiras?


# %% tags=["exercise"]
def chance(k, n=54, m=3):
    return k * m / n


from scipy.stats import hypergeom

print([round(chance(k), 2) for k in (1, 4, 20)])
check(
    [chance(k) for k in (1, 4, 20)],
    hypergeom.sf(0, 54, 3, [1, 4, 20]),
    en="That is the expected number of right photos; for k = 20 it exceeds 1.",
    pt="Esse é o número esperado de fotos certas; para k = 20, passa de 1.",
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


# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true}
def chance(k, n=54, m=3):
    return 1 - math.comb(n - m, k) / math.comb(n, k)


print([round(chance(k), 2) for k in (1, 4, 20)])
check([chance(k) for k in (1, 4, 20)], hypergeom.sf(0, 54, 3, [1, 4, 20]))

# %% [markdown] lang="en"
# One minus the hypergeometric probability of none. At k = 4 chance alone finds the pet for one
# query in five. And the model?

# %% [markdown] lang="pt"
# Um menos a probabilidade hipergeométrica de nenhuma. Com k = 4, o acaso sozinho encontra o animal
# em uma de cada cinco consultas. E o modelo?

# %%
ks = range(1, 55)
curve = [evaluation.recall_at_k(all_scores, ids, gallery_ids, k) for k in ks]
print(f"recall@4 {curve[3]:.2f}   chance {chance(4):.2f}")
plots.recall_curves({encoder.name: np.array(curve), "chance": np.array([chance(k) for k in ks])})

# %% [markdown] lang="en"
# Both reach 1 at k = 54, where everything is shown. What counts lies left: how far the solid line
# stands above the dashed one for as many photos as a person will look at.
#
# ## 5. A query without a counterpart
#
# This cat is in no photo of the gallery.

# %% [markdown] lang="pt"
# Ambas chegam a 1 em k = 54, quando se mostra tudo. O que importa está à esquerda: o quanto a linha
# cheia fica acima da tracejada para tantas fotos quantas uma pessoa vai olhar.
#
# ## 5. Uma consulta sem correspondente
#
# Este gato não está em nenhuma foto da galeria.

# %%
strangers = datasets.pets("stranger", "dev").groupby("pet").head(4)
stranger = strangers.iloc[0]
plots.match_grid(cut(stranger), gallery.match(cut(stranger)), truth=stranger["pet"])

# %% [markdown] lang="en"
# Four answers, as always, with scores, as always. **A ranking cannot say "not here".** Does the
# best score tell? Twelve photos of three strangers, beside our 72 queries:

# %% [markdown] lang="pt"
# Quatro respostas, como sempre, com escores, como sempre. **Uma ordenação não sabe dizer "não está
# aqui".** E o melhor escore, denuncia? Doze fotos de três desconhecidos, ao lado das nossas 72
# consultas:

# %%
unknown = encoder.embed([cut(row) for _, row in strangers.iterrows()]) @ gallery.vectors.T
plots.score_strips({"known": all_scores.max(axis=1), "stranger": unknown.max(axis=1)})

# %% [markdown] lang="en"
# Look for a score that strangers never reach and most known pets do: a **threshold**. The more the
# strips overlap, the dearer it is. Lesson 05 chooses one and counts both errors.
#
# ## 6. Exact or approximate
#
# Comparing with all is exact, and for millions slow. **HNSW** links each vector to its neighbours
# and walks along the links towards the query. Ten invented photos each of 1,000 pets:

# %% [markdown] lang="pt"
# Procure um escore que os desconhecidos nunca alcançam e a maioria dos conhecidos, sim: um
# **limiar** (*threshold*). Quanto mais as faixas se sobrepõem, mais caro ele custa. A aula 05
# escolhe um e conta os dois erros.
#
# ## 6. Exato ou aproximado
#
# Comparar com todos é exato e, para milhões, lento. O **HNSW** liga cada vetor a seus vizinhos e
# caminha por essas ligações rumo à consulta. Dez fotos inventadas de cada um de 1.000 animais:

# %%
rng = np.random.default_rng(0)
pets = rng.standard_normal((1000, 64))
photos = np.repeat(pets, 10, axis=0) + rng.standard_normal((10_000, 64))
asked = pets[:100] + rng.standard_normal((100, 64))
# On a grid sums are exact, so that every machine walks the same way.
photos, asked = (np.round(512 * similarity.normalise(some)) / 512 for some in (photos, asked))

exact = faiss.IndexFlatIP(64)
graph = faiss.IndexHNSWFlat(64, 16, faiss.METRIC_INNER_PRODUCT)
exact.add(photos)
graph.add(photos)
print(exact.ntotal, graph.ntotal)

# %% [markdown] lang="en"
# The recall of HNSW is the share of the ten exact neighbours that it finds; `efSearch` says how
# widely it looks around.

# %% [markdown] lang="pt"
# O *recall* do HNSW é a proporção dos dez vizinhos exatos que ele encontra; `efSearch` diz quão
# longe ele olha em volta.

# %%
_, truth = exact.search(asked, 10)
for graph.hnsw.efSearch in (10, 40, 160):
    faiss.cvar.hnsw_stats.reset()
    _, near = graph.search(asked, 10)
    kept = [len(np.intersect1d(*pair)) / 10 for pair in zip(truth, near, strict=True)]
    share = faiss.cvar.hnsw_stats.ndis / (100 * 10_000)
    print(f"efSearch {graph.hnsw.efSearch:3}   recall {np.mean(kept):.2f}   compared {share:.2f}")

# %% [markdown] lang="en"
# The last column is the share of all photos that it compared with the query. Recall is bought with
# work, and the missing neighbours go missing silently. Up to some 100,000 photos, be exact.
#
# ## 7. Parts
#
# *Why* do two photos look alike? Besides CLS the model gives a vector for each patch. We take one
# motorcycle seen from two places, and coffee.
#
# Two patches are **mutual nearest neighbours** if each is the most similar to the other.

# %% [markdown] lang="pt"
# A última coluna é a proporção das fotos que ele comparou com a consulta. *Recall* se compra com
# trabalho, e os vizinhos que faltam somem em silêncio. Até umas 100.000 fotos, seja exato.
#
# ## 7. Partes
#
# *Por que* duas fotos se parecem? Além do CLS, o modelo dá um vetor para cada *patch*. Tomemos uma
# moto vista de dois lugares, e um café.
#
# Dois *patches* são **vizinhos mútuos** (*mutual nearest neighbours*) se cada um é o mais
# semelhante ao outro.

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
# By hand and by `vitsim.parts`: as many. Are they true? Both cameras stood at one height, so each
# point lies in the *same row* of both photos. Pairs in one row are drawn solid (the right photo
# hangs lower, so true lines run parallel); of each two photos the 25 best pairs.

# %% [markdown] lang="pt"
# À mão e com `vitsim.parts`: o mesmo número. São verdadeiros? As duas câmeras estavam à mesma
# altura; cada ponto está, portanto, na *mesma linha* de ambas as fotos. Pares na mesma linha têm
# traço cheio (a foto da direita está mais baixa: os traços verdadeiros são paralelos); para cada
# duas fotos, os 25 melhores pares.

# %%
pairs, in_row = [], []
for scene, tokens in zip(scenes[1:], (right_view, coffee), strict=True):
    every = parts.correspondences(left, tokens)
    rows = every.a[:, 0] == every.b[:, 0]
    print(f"{len(every):3} pairs   {every.scores.mean():.2f}   same row {rows.mean():.2f}")
    pairs.append((scenes[0], scene, parts.correspondences(left, tokens, k=25)))
    in_row.append(rows[:25])
plots.patch_lines(pairs, encoder.grid, ["motorcycle", "coffee"], in_row)

# %% [markdown] lang="en"
# The coffee is the control: nothing there belongs to anything, but nearest neighbours always exist.
# If many of its pairs, too, keep their row, this model pairs *places in the picture*, not things.
#
# Now pets, cropped so that more patches fall on them. The renderer knows which part of the body
# each pixel shows, so we can see whether a pair joins the same part.

# %% [markdown] lang="pt"
# O café é o controle: ali nada corresponde a nada, mas vizinhos mais próximos sempre existem. Se
# muitos de seus pares também mantêm a linha, este modelo emparelha *lugares da imagem*, não coisas.
#
# Agora os animais, com as fotos cortadas rente a eles, para que mais *patches* os cubram. O
# programa que os gerou sabe que parte do corpo cada pixel mostra: dá para ver se um par une a mesma
# parte.


# %%
def view(row):
    mask, numbers = Image.open(row["mask"]), Image.open(row["parts"])
    photo, mask, numbers = (one.crop(mask.getbbox()) for one in (cut(row), mask, numbers))
    covered = parts.patch_coverage(mask, encoder.grid) >= 0.5
    which = parts.patch_parts(numbers, encoder.grid)
    return photo, encoder.patch_tokens(photo), covered, which, numbers


table = datasets.pets(split="dev").query("role != 'stranger'")
photo, tokens, covered, which, numbers = view(table[table["pet"] == "cat_022"].iloc[0])
print(tokens.shape, covered.sum(), np.unique(which[covered]))
plots.photo_row([photo, numbers], ["photo", "parts"])

# %% [markdown] lang="en"
# Head, ears, muzzle, neck, torso, four legs, tail: ten parts. Each pet's first photo is compared
# with the one of its own that shows most nearly the same side, and likewise with one of another pet
# of its species.

# %% [markdown] lang="pt"
# Cabeça, orelhas, focinho, pescoço, tronco, quatro patas, cauda: dez partes. A primeira foto de
# cada animal é comparada com a outra dele que mostra mais aproximadamente o mesmo lado e, do mesmo
# modo, com uma de outro animal da espécie.

# %%
starts = table.drop_duplicates("pet")
rivals = starts.groupby("species")["pet"].transform(lambda pets: np.roll(pets, -2))


def like(row, pet):
    others = table[(table["pet"] == pet) & (table["photo"] != row["photo"])]
    turn = np.abs((others["azimuth_deg"] - row["azimuth_deg"] + 180) % 360 - 180)
    return others.loc[turn.idxmin()]


trios = []
for (_, row), rival in zip(starts.iterrows(), rivals, strict=True):
    trios.append([view(one) for one in (row, like(row, row["pet"]), like(row, rival))])
print(len(trios))

# %% [markdown] lang="en"
# Only patches at least half covered by the pet take part. Solid: same part of the body.

# %% [markdown] lang="pt"
# Só participam *patches* ao menos metade cobertos pelo animal. Traço cheio: mesma parte do corpo.


# %%
def joined(one, other):
    (_, a, a_in, a_part, _), (_, b, b_in, b_part, _) = one, other
    found = parts.correspondences(a, b, a_in, b_in)
    same = a_part[tuple(found.a.T)] == b_part[tuple(found.b.T)]
    return found, same, np.mean(a_part[a_in][:, None] == b_part[b_in])


cat, own, rival = trios[list(starts["pet"]).index("cat_022")]
(of_own, own_same, _), (of_rival, rival_same, _) = joined(cat, own), joined(cat, rival)
pairs = [(cat[0], own[0], of_own), (cat[0], rival[0], of_rival)]
plots.patch_lines(pairs, encoder.grid, ["same pet", "other pet"], [own_same, rival_same])

# %% [markdown] lang="en"
# One cat proves little. All 18 pets, per pair of photos: how many patches found each other, their
# mean score, the share on the same part, and what chance would give, had the patches been paired
# blindly.

# %% [markdown] lang="pt"
# Um gato prova pouco. Para os 18 animais, por par de fotos: quantos *patches* se encontraram, seu
# escore médio, a proporção na mesma parte, e quanto daria o acaso se os *patches* fossem
# emparelhados às cegas.

# %%
shares = []
for at, name in [(1, "same pet"), (2, "other pet")]:
    results = [joined(trio[0], trio[at]) for trio in trios]
    counts = [len(found) for found, _, _ in results]
    score = np.concatenate([found.scores for found, _, _ in results]).mean()
    shares.append([same.mean() if len(same) else 0 for _, same, _ in results])
    blind = np.mean([blind for _, _, blind in results])
    print(f"{name:10} {np.mean(counts):5.2f}   {score:.2f}", end="   ")
    print(f"{np.mean(shares[-1]):.2f}   {blind:.2f}")
print(np.greater(*shares).sum(), "/", len(trios))

# %% [markdown] lang="en"
# Three comparisons to read. More pairs and higher scores above than below: the model recognises the
# pet's own fur. Third column above fourth: it knows a head from a paw. The last line counts pets
# whose own photos agree more often; were it a coin, you would expect 9 ± 2.
#
# ## Quiz
#
# <details><summary>1. The first match scores 0.95. Is it the right animal?</summary>
#
# The ranking cannot tell; something is always first. Ask what strangers score.
# </details>
# <details><summary>2. Twice as many photos in the gallery: what happens to recall@4?</summary>
#
# It falls, or at best stays: more photos compete for four places.
# </details>
# <details><summary>3. Why must neighbours be mutual?</summary>
#
# Every patch has a nearest one, even in a cup of coffee. Few are chosen in return.
# </details>
#
# ## Remember
# - Ranking is a matrix product and a sort; keep the order, show the score.
# - Recall@k and mAP mean something beside chance and the size of the gallery.
# - A ranking always answers, also where it should not.
# - Mutual nearest patches show what in two photos looks alike; always draw a control.
#
# **Next:** lesson 05 asks how sure we are: thresholds, errors, intervals.
#
# ## References
# - M. Douze et al. (2024). [The Faiss library](https://arxiv.org/abs/2401.08281).
# - Y. Malkov, D. Yashunin (2016).
#   [Approximate nearest neighbor search using HNSW graphs](https://arxiv.org/abs/1603.09320).
# - C. Manning, P. Raghavan, H. Schütze (2008). [Evaluation of ranked
#   results](https://nlp.stanford.edu/IR-book/html/htmledition/evaluation-of-ranked-retrieval-results-1.html)
#   (average precision).
# - S. Amir et al. (2021). [Deep ViT features as dense visual
#   descriptors](https://arxiv.org/abs/2112.05814) (mutual nearest patches).
# - D. Scharstein et al. (2014). [High-resolution stereo
#   datasets](https://vision.middlebury.edu/stereo/data/scenes2014/) (the motorcycle).

# %% [markdown] lang="pt"
# Três comparações a ler. Mais pares e escores mais altos na primeira linha que na segunda: o modelo
# reconhece o pelo do próprio animal. Terceira coluna acima da quarta: ele distingue cabeça de pata.
# A última linha conta os animais cujas próprias fotos concordam mais vezes; se fosse cara ou coroa,
# você esperaria 9 ± 2.
#
# ## Questionário
#
# <details><summary>1. A primeira resposta tem escore 0,95. É o animal certo?</summary>
#
# A ordenação não sabe dizer; algo sempre vem em primeiro. Pergunte quanto alcançam os
# desconhecidos.
# </details>
# <details><summary>2. O dobro de fotos na galeria: o que acontece com o recall@4?</summary>
#
# Cai ou, na melhor das hipóteses, fica igual: mais fotos disputam quatro lugares.
# </details>
# <details><summary>3. Por que os vizinhos precisam ser mútuos?</summary>
#
# Todo *patch* tem um mais próximo, até numa xícara de café. Poucos são escolhidos de volta.
# </details>
#
# ## Para lembrar
# - Ordenar é um produto de matrizes seguido de um `argsort`; mantenha a ordem, mostre o escore.
# - *Recall@k* e mAP só fazem sentido ao lado do acaso e do tamanho da galeria.
# - Uma ordenação sempre responde, mesmo quando não deveria.
# - Vizinhos mútuos mostram o que há de parecido em duas fotos; desenhe sempre um controle.
#
# **A seguir:** a aula 05 pergunta quão certos estamos: limiares, erros, intervalos.
#
# ## Referências
# - M. Douze et al. (2024). [The Faiss library](https://arxiv.org/abs/2401.08281).
# - Y. Malkov, D. Yashunin (2016).
#   [Approximate nearest neighbor search using HNSW graphs](https://arxiv.org/abs/1603.09320).
# - C. Manning, P. Raghavan, H. Schütze (2008). [Evaluation of ranked
#   results](https://nlp.stanford.edu/IR-book/html/htmledition/evaluation-of-ranked-retrieval-results-1.html)
#   (*average precision*).
# - S. Amir et al. (2021). [Deep ViT features as dense visual
#   descriptors](https://arxiv.org/abs/2112.05814) (vizinhos mútuos).
# - D. Scharstein et al. (2014). [High-resolution stereo
#   datasets](https://vision.middlebury.edu/stereo/data/scenes2014/) (a moto).
