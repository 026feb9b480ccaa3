# ---
# jupyter:
#   vitsim: {pt: 03_similaridade}
# ---

# %% [markdown] lang="en"
# # 03 · Cosine similarity
#
# Lesson 02 turned every photo into an embedding, a vector. Are two photos alike? Now that means: do
# their vectors point the same way?
#
# **You will be able to**
# - compute a cosine by hand and with four libraries, and see it as an angle;
# - say which cosines chance alone produces, and why embeddings differ;
# - judge whether a score is high, with genuine and impostor pairs.
#
# **Time:** 30 minutes and 15 for the exercises. **You need:** NumPy, mean and variance; no network.

# %% [markdown] lang="pt"
# # 03 · Similaridade do cosseno
#
# A aula 02 transformou cada foto em um *embedding*, um vetor. Duas fotos se parecem? Agora isso
# quer dizer: seus vetores apontam para o mesmo lado?
#
# **Ao final, você saberá**
# - calcular um cosseno à mão e com quatro bibliotecas, e enxergá-lo como ângulo;
# - dizer quais cossenos o acaso produz, e por que os *embeddings* fogem disso;
# - julgar se um escore é alto, com pares genuínos e impostores.
#
# **Tempo:** 30 minutos, mais 15 para os exercícios. **Requisitos:** NumPy, média e variância;
# internet, não.

# %%
import math

import numpy as np
from PIL import Image

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

# %% [markdown] lang="en"
# ## 1. Two arrows
#
# Two numbers per vector, so that we can draw them. The **dot product** a · b multiplies coordinate
# by coordinate and adds; the **norm** ‖a‖ is the length, by Pythagoras; the **cosine** divides one
# by the others.

# %% [markdown] lang="pt"
# ## 1. Duas setas
#
# Dois números por vetor, para podermos desenhá-los. O **produto escalar** (*dot product*) a · b
# multiplica coordenada a coordenada e soma; a **norma** ‖a‖ é o comprimento, por Pitágoras; o
# **cosseno** divide o produto pelas normas.

# %%
a, b = np.array([4.0, 3.0]), np.array([1.0, 3.0])
dot = a[0] * b[0] + a[1] * b[1]
norm_a = math.sqrt(a[0] ** 2 + a[1] ** 2)
norm_b = math.sqrt(b[0] ** 2 + b[1] ** 2)
cosine = dot / (norm_a * norm_b)
print(f"a · b = {dot:.2f}   ‖a‖ = {norm_a:.2f}   ‖b‖ = {norm_b:.2f}   cos θ = {cosine:.2f}")

# %% [markdown] lang="en"
# Why is that the cosine of the angle? If *a* lies at the angle α and *b* at β, then
#
# $$a \cdot b = \|a\|\,\|b\|\,(\cos\alpha\cos\beta + \sin\alpha\sin\beta)
# = \|a\|\,\|b\|\,\cos(\alpha - \beta).$$

# %% [markdown] lang="pt"
# Por que esse é o cosseno do ângulo? Se *a* está no ângulo α e *b* em β, então
#
# $$a \cdot b = \|a\|\,\|b\|\,(\cos\alpha\cos\beta + \mathrm{sen}\,\alpha\,\mathrm{sen}\,\beta)
# = \|a\|\,\|b\|\,\cos(\alpha - \beta).$$

# %%
shadow = dot / norm_a**2 * a
angle = math.degrees(math.acos(cosine))
print(f"{np.linalg.norm(shadow):.2f} / {norm_b:.2f} = {np.linalg.norm(shadow) / norm_b:.2f}")
plots.arrows([{"a": a, "b": b}], [f"θ = {angle:.2f}°   cos θ = {cosine:.2f}"], [(b, shadow)])

# %% [markdown] lang="en"
# The dashed line drops from *b* at a right angle. The shadow that *b* casts on *a* is 2.60 long,
# *b* itself 3.16: their ratio is the cosine, 0.82. In more dimensions nothing changes: two arrows
# still lie in one plane.
#
# ### Exercise 1: predict
# What is the cosine of *a* and −10·*b*? Write it in place of `None`, before you compute.

# %% [markdown] lang="pt"
# A linha tracejada cai de *b* em ângulo reto. A sombra de *b* sobre *a* mede 2,60; o próprio *b*,
# 3,16: a razão é o cosseno, 0,82. Com mais dimensões nada muda: duas setas sempre cabem em um
# plano.
#
# ### Exercício 1: preveja
# Quanto vale o cosseno entre *a* e −10·*b*? Escreva-o no lugar de `None`, antes de calcular.

# %% tags=["exercise"]
prediction = None

check(
    prediction,
    similarity.cosine_similarity(a, -10 * b)[0, 0],
    en="Ask of both, the 10 and the minus: does the arrow turn?",
    pt="Pense no 10 e, depois, no sinal de menos: a seta gira?",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# The 10 enters a · b and ‖b‖ alike. The minus enters a · b only.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# O 10 entra tanto em a · b quanto em ‖b‖. O sinal de menos, só em a · b.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
prediction = -cosine
print(f"{prediction:.2f}")
check(prediction, similarity.cosine_similarity(a, -10 * b)[0, 0])

# %% [markdown] lang="en"
# ## 2. One, zero, minus one
#
# Keep *a*; change *b*.

# %% [markdown] lang="pt"
# ## 2. Um, zero, menos um
#
# Mantenha *a*; mude *b*.

# %%
others = [0.5 * a, np.array([-2.1, 2.8]), -0.7 * a]
cosines = [similarity.cosine_similarity(a, other)[0, 0] for other in others]
titles = [f"cos θ = {c:z.2f}" for c in cosines]  # z: never "-0.00"
plots.arrows([{"a": a, "b": other} for other in others], titles)

# %% [markdown] lang="en"
# **1**: the same direction, however long. **0**: a right angle, no shadow. **−1**: opposite. A zero
# vector has no direction; `vitsim` refuses it.
#
# ## 3. Five ways, one number
#
# Embeddings have hundreds of coordinates: 768 in `google/vit-base-patch16-224`. First by hand:

# %% [markdown] lang="pt"
# **1**: mesma direção e sentido, qualquer que seja o comprimento. **0**: ângulo reto, sombra nula.
# **−1**: sentidos opostos. O vetor nulo não tem direção; o `vitsim` o recusa.
#
# ## 3. Cinco caminhos, um número
#
# *Embeddings* têm centenas de coordenadas: 768 em `google/vit-base-patch16-224`. Primeiro, à mão:

# %%
rng = np.random.default_rng(5)
x = rng.standard_normal(768)
y = x + rng.standard_normal(768)
dot = sum(p * q for p, q in zip(x, y, strict=True))
ways = {"by hand": dot / math.sqrt(sum(p * p for p in x) * sum(q * q for q in y))}
ways["NumPy"] = x @ y / (np.linalg.norm(x) * np.linalg.norm(y))
print({name: f"{value:.2f}" for name, value in ways.items()})

# %% [markdown] lang="en"
# FAISS, the search engine of lesson 04, knows no cosine, but the inner product. So we hand it
# **unit vectors**, of norm 1, for which the dot product *is* the cosine. All embeddings of this
# course are unit vectors.

# %% [markdown] lang="pt"
# O FAISS, o motor de busca da aula 04, conhece o produto interno, não o cosseno. Por isso lhe damos
# **vetores unitários**, de norma 1, para os quais o produto escalar *é* o cosseno. Todos os
# *embeddings* deste curso são unitários.

# %%
import sys

import faiss
import torch
from sklearn.metrics.pairwise import cosine_similarity

ways["torch"] = torch.cosine_similarity(torch.tensor(x), torch.tensor(y), dim=0).item()
ways["sklearn"] = cosine_similarity([x], [y])[0, 0]
unit_x, unit_y = similarity.normalise([x]), similarity.normalise([y])
if sys.platform == "darwin":  # there torch and FAISS quarrel over threads
    faiss.omp_set_num_threads(1)
index = faiss.IndexFlatIP(768)
index.add(unit_y)
ways["FAISS"] = index.search(unit_x, 1)[0][0, 0]
for name, value in ways.items():
    print(f"{name:8} {value:.2f}")
print(max(ways.values()) - min(ways.values()) < 1e-6)

# %% [markdown] lang="en"
# The same to within 0.000001.
#
# ### Exercise 2: build
# For collections we want all cosines at once, without a loop: rows of `A` against rows of `B`.

# %% [markdown] lang="pt"
# Diferem em menos de 0,000001.
#
# ### Exercício 2: construa
# Para coleções, queremos todos os cossenos de uma vez, sem laço: linhas de `A` contra linhas de
# `B`.

# %% tags=["exercise"]
A, B = rng.standard_normal((4, 768)), rng.standard_normal((3, 768))


def cosine_matrix(A, B):
    return A @ B.T


check(
    cosine_matrix(A, B),
    similarity.cosine_similarity(A, B),
    en="Rows of A and of B need norm 1 before they are multiplied.",
    pt="As linhas de A e de B precisam ter norma 1 antes de serem multiplicadas.",
    tolerance=1e-6,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `np.linalg.norm(A, axis=1, keepdims=True)` has shape (4, 1): one norm per row, ready to divide by.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `np.linalg.norm(A, axis=1, keepdims=True)` tem formato (4, 1): uma norma por linha, pronta para
# dividir.
# </details>


# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
def cosine_matrix(A, B):
    A = A / np.linalg.norm(A, axis=1, keepdims=True)
    B = B / np.linalg.norm(B, axis=1, keepdims=True)
    return A @ B.T


print(cosine_matrix(A, B).shape)
check(cosine_matrix(A, B), similarity.cosine_similarity(A, B), tolerance=1e-6)

# %% [markdown] lang="en"
# ## 4. Angle and distance
#
# For unit vectors u and v, expand the square:
#
# $$\|u - v\|^2 = \|u\|^2 + \|v\|^2 - 2\,u \cdot v = 2 - 2\cos\theta.$$

# %% [markdown] lang="pt"
# ## 4. Ângulo e distância
#
# Para vetores unitários u e v, desenvolva o quadrado:
#
# $$\|u - v\|^2 = \|u\|^2 + \|v\|^2 - 2\,u \cdot v = 2 - 2\cos\theta.$$

# %%
u = a / norm_a
ends = [b / norm_b, np.array([-0.6, 0.8]), np.array([-1.0, 0.0])]
titles = [f"cos θ = {u @ v:z.2f}\n‖u − v‖² = {np.sum((u - v) ** 2):.2f}" for v in ends]
plots.arrows([{"u": u, "v": v} for v in ends], titles, [(u, v) for v in ends], circle=True)

# %% [markdown] lang="en"
# As the cosine falls, the dashed distance grows, always: the nearest neighbours by one are the
# nearest by the other.
#
# ## 5. What chance scores
#
# Draw directions at random, all equally likely. What cosine do two of them have? By symmetry, turn
# the first onto the first axis; then the cosine is u₁, the first coordinate of the second.
# - Its **mean is 0**: −u is as likely as u.
# - Its **variance is 1/d**: u₁² + … + u_d² = 1, and the d terms have the same expectation.
#
# So the standard deviation is **1/√d**. Simulated, with 1,000 directions and all their pairs:

# %% [markdown] lang="pt"
# Quando o cosseno cai, a distância tracejada cresce, sempre: os vizinhos mais próximos por um
# critério são os mais próximos pelo outro.
#
# ## 5. Cossenos ao acaso
#
# Sorteie direções, todas igualmente prováveis. Qual é o cosseno entre duas delas? Por simetria,
# gire a primeira até o primeiro eixo; o cosseno passa a ser u₁, a primeira coordenada da segunda.
# - Sua **média é 0**: −u é tão provável quanto u.
# - Sua **variância é 1/d**: u₁² + … + u_d² = 1, e as d parcelas têm a mesma esperança.
#
# Logo, o desvio padrão é **1/√d**. Simulando com 1.000 direções e todos os seus pares:


# %%
def all_pairs(vectors):
    first, second = np.triu_indices(len(vectors), 1)
    return similarity.cosine_similarity(vectors, vectors)[first, second]


rng = np.random.default_rng(0)
by_chance = {f"d = {d}": all_pairs(rng.standard_normal((1000, d))) for d in (2, 10, 100, 768)}
for name, cosines in by_chance.items():
    print(f"{name:8} s = {cosines.std():.2f}   1/√d = {int(name[4:]) ** -0.5:.2f}")
plots.score_strips(by_chance, across="cos θ")

# %% [markdown] lang="en"
# In the plane, extremes are commonest: (1 + cos)/2 follows a Beta((d − 1)/2, (d − 1)/2), for d = 2
# the arcsine law. In 768 dimensions almost all directions are almost perpendicular: 0.20
# would be more than five standard deviations from 0.
#
# ### Exercise 3: change
# Statisticians know one cosine well. Change the line of `r` so that the cosine becomes
# **Pearson's correlation**.

# %% [markdown] lang="pt"
# No plano, os extremos são os mais comuns: (1 + cos)/2 segue uma Beta((d − 1)/2, (d − 1)/2), que
# para d = 2 é a lei do arco-seno. Em 768 dimensões, quase todas as direções são quase
# perpendiculares: 0,20 ficaria a mais de cinco desvios padrão de 0.
#
# ### Exercício 3: modifique
# Estatísticos conhecem bem um cosseno. Modifique a linha de `r` para que o cosseno se torne a
# **correlação de Pearson**.

# %% tags=["exercise"]
rng = np.random.default_rng(0)
heights = rng.normal(170, 8, 50)
weights = heights - 100 + rng.normal(0, 8, 50)

r = similarity.cosine_similarity(heights, weights)[0, 0]
print(np.round(r, 2))
check(
    r,
    np.corrcoef(heights, weights)[0, 1],
    en="Two lists of positive numbers point the same way. Move the zero of both.",
    pt="Duas listas de números positivos apontam para o mesmo lado. Mude o zero de ambas.",
    tolerance=1e-4,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# Correlation looks at deviations from the mean: `heights - heights.mean()`.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# A correlação olha para os desvios em relação à média: `heights - heights.mean()`.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
deviations = [values - values.mean() for values in (heights, weights)]
r = similarity.cosine_similarity(*deviations)[0, 0]
print(f"{r:.2f}")
check(r, np.corrcoef(heights, weights)[0, 1], tolerance=1e-4)

# %% [markdown] lang="en"
# Remember that 0.99: what is common to all inflates a cosine.
#
# ## 6. The pets
#
# Choose the model: `None` is the shipped `tiny`; the others need a network once.

# %% [markdown] lang="pt"
# Lembre-se daquele 0,99: o que é comum a todos infla o cosseno.
#
# ## 6. Os animais
#
# Escolha o modelo: `None` é o `tiny`, que vem com o curso; os outros precisam de internet na
# primeira vez.

# %%
model = None  # "google/vit-base-patch16-224", "facebook/dinov2-small"

encoder = Encoder.load(model)
plots.name_model(encoder.name)
print(encoder.name, encoder.size, encoder.dim)

# %% [markdown] lang="en"
# Ten photos each of 18 Toy Pets, cut out and cropped by their exact masks (lesson 01):

# %% [markdown] lang="pt"
# Dez fotos de cada um de 18 Toy Pets, recortadas e enquadradas por suas máscaras exatas (aula
# 01):

# %%
pets = datasets.pets(split="dev").query("role != 'stranger'")
cuts = [
    background.cut_out(images.open_photo(photo), Image.open(mask), crop=True)
    for photo, mask in zip(pets["photo"], pets["mask"], strict=True)
]
embeddings = encoder.embed(cuts, progress=encoder.name != "tiny")
ids = pets["pet"].to_numpy()
print(len(embeddings), len(set(ids)), f"{np.linalg.norm(embeddings, axis=1).mean():.2f}")

# %% [markdown] lang="en"
# 180 photos, 18 pets, every norm 1.00. Four photos, compared with the first:

# %% [markdown] lang="pt"
# 180 fotos, 18 animais, todas as normas iguais a 1,00. Quatro fotos, comparadas com a primeira:

# %%
scores = similarity.cosine_similarity(embeddings, embeddings)
chosen = [2, 8, 12, 21]
titles = [f"{ids[i]}: {scores[2, i]:z.2f}".replace("-", "−") for i in chosen]
plots.photo_row([cuts[i] for i in chosen], titles)

# %% [markdown] lang="en"
# With itself, 1.00. Then the same cat by flash, its litter-mate, a dog. Does the same cat come
# closest? To `tiny` its litter-mate does. Three pairs prove little. All pairs of photos of six pets
# make the **similarity matrix**:

# %% [markdown] lang="pt"
# Consigo mesma, 1,00. Depois, o mesmo gato com flash; seu irmão de ninhada; e um cão. O mesmo gato
# é o mais próximo? Para o `tiny`, o irmão é. Três pares provam pouco. Todos os pares de seis
# animais formam a **matriz de similaridade**:

# %%
plots.score_matrix(scores[:60, :60], ids[:60])

# %% [markdown] lang="en"
# The diagonal is 1, and both halves mirror each other. Look for light squares along the diagonal:
# photos of one pet. Light outside them: pets taken for each other. A dark line across the picture:
# a photo like no other. `cat_001` and `cat_002` are litter-mates; so are the next two, and the last
# two.
#
# ## 7. Genuine and impostor
#
# A pair of photos of one pet is **genuine**, of two pets **impostor**.

# %% [markdown] lang="pt"
# A diagonal vale 1, e as duas metades se espelham. Procure quadrados claros ao longo da diagonal:
# fotos do mesmo animal. Manchas claras fora deles: animais confundidos um com o outro. Uma faixa
# escura de lado a lado: uma foto que não se parece com nenhuma. `cat_001` e `cat_002` são da mesma
# ninhada; os dois seguintes e os dois últimos, também.
#
# ## 7. Genuíno e impostor
#
# Um par de fotos do mesmo animal é **genuíno**; de dois animais, **impostor**.

# %%
first, second = np.triu_indices(len(ids), 1)
same = ids[first] == ids[second]
pairs = all_pairs(embeddings)
genuine, impostor = pairs[same], pairs[~same]
print(len(genuine), len(impostor))

# %% [markdown] lang="en"
# 18 pets with 45 pairs each make 810 genuine pairs. Do impostors score what chance scores? And
# after **centring**, that is, subtracting the mean embedding?

# %% [markdown] lang="pt"
# 18 animais com 45 pares cada formam 810 pares genuínos. Os impostores se comportam como o acaso? E
# depois da **centralização** (*centring*), que subtrai o *embedding* médio?

# %%
centred = embeddings - embeddings.mean(axis=0)
chance = all_pairs(np.random.default_rng(0).standard_normal(embeddings.shape))
centred_impostor = all_pairs(centred)[~same]
print(f"d = {encoder.dim}   1/s² = {1 / centred_impostor.var():.0f}")
plots.score_strips({"chance": chance, "impostor": impostor, "centred": centred_impostor})

# %% [markdown] lang="en"
# The mean of `impostor` is the **anisotropy** of the embeddings: what a direction common to all
# photos adds, as with heights and weights. `tiny` has hardly any; another model's strip may lie far
# to the right. Centring removes that common part (the mean of *all* pairs is then about 0; without
# the genuine ones, just below). What it leaves is the width: both strips are wider than `chance`,
# for pets vary in some directions more than in others. Random directions with the s of `centred`
# would have only 1/s² dimensions; compare with d.
#
# Pearson takes from each vector its own mean; centring takes one mean vector from all. New photos
# need that *same* vector, so it must be kept with the gallery.
#
# ## 8. Is 0.8 high?

# %% [markdown] lang="pt"
# A média de `impostor` é a **anisotropia** dos *embeddings*: o que acrescenta uma direção comum a
# todas as fotos, como em alturas e pesos. O `tiny` quase não a tem; a faixa de outro modelo pode
# ficar bem à direita. A centralização remove essa parte comum (a média de *todos* os pares fica
# perto de 0; sem os genuínos, abaixo). Resta a largura: ambas são mais largas que `chance`, pois os
# animais variam mais em algumas direções. Direções aleatórias teriam o s de `centred` com apenas
# 1/s² dimensões; compare com d.
#
# Pearson subtrai de cada vetor sua própria média; a centralização, de todos, um vetor médio. Fotos
# novas precisam desse *mesmo* vetor: guarde-o com a galeria.
#
# ## 8. O escore 0,8 é alto?

# %%
print(f"genuine ≥ 0.8: {np.mean(genuine >= 0.8):.2f}")
print(f"impostor ≥ 0.8: {np.mean(impostor >= 0.8):.2f}")
plots.score_strips({"genuine": genuine, "impostor": impostor}, mark=0.8)

# %% [markdown] lang="en"
# Look right of the dashed line. The second number answers: 0.01 means that of 100 pairs with
# another pet one scores as high. In a shelter of hundreds, 0.8 is then not high; were no impostor
# there, it would be. No cosine is high by itself: only **against the impostors of its own model and
# gallery**. And any overlap of the strips means errors, whatever the threshold.
#
# How far apart are they, in units of their spread?
#
# $$d' = \frac{\mu_g - \mu_i}{\sqrt{(\sigma_g^2 + \sigma_i^2)/2}}$$

# %% [markdown] lang="pt"
# Olhe à direita da linha tracejada. O segundo número responde: 0,01 quer dizer que, de 100 pares
# com outro animal, um chega lá. Em um abrigo com centenas, 0,8 já não é alto; sem impostores ali,
# seria. Nenhum cosseno é alto por si: apenas **diante dos impostores do mesmo modelo e galeria**. E
# toda sobreposição das faixas significa erros, qualquer que seja o limiar.
#
# Quão separadas elas estão, em unidades de sua dispersão?
#
# $$d' = \frac{\mu_g - \mu_i}{\sqrt{(\sigma_g^2 + \sigma_i^2)/2}}$$

# %%
distance = genuine.mean() - impostor.mean()
spread = np.sqrt((genuine.var() + impostor.var()) / 2)
print(f"d′ = {distance / spread:.2f} = {evaluation.d_prime(genuine, impostor):.2f}")

# %% [markdown] lang="en"
# By hand and by `vitsim`: equal. For normal scores, a genuine pair outscores an impostor pair with
# probability Φ(d′/√2). How often not, in 1,000: by that formula, then counted:

# %% [markdown] lang="pt"
# À mão e pelo `vitsim`: iguais. Com escores normais, um par genuíno supera um impostor com
# probabilidade Φ(d′/√2). Quantas vezes não, em 1.000: pela fórmula; depois, contadas:

# %%
for name, pairs in [("raw", all_pairs(embeddings)), ("centred", all_pairs(centred))]:
    d_prime = evaluation.d_prime(pairs[same], pairs[~same])
    normal = 1000 * math.erfc(d_prime / 2) / 2
    counted = 1000 * np.mean(pairs[same][:, None] <= pairs[~same])
    print(f"{name:8} d′ = {d_prime:.2f}   {normal:5.1f}   {counted:5.1f}")

# %% [markdown] lang="en"
# A gap between the last two columns suggests scores that are not normal. Compare the rows: did
# centring help *this* model? Only data can tell, not theory.
#
# ### Exercise 4: change
# Choose the threshold that only one impostor in a thousand reaches.

# %% [markdown] lang="pt"
# Uma diferença entre as duas últimas colunas sugere escores não normais. Compare as linhas: a
# centralização ajudou *este* modelo? Só os dados podem dizer, não a teoria.
#
# ### Exercício 4: modifique
# Escolha o limiar que apenas um impostor em cada mil alcança.

# %% tags=["exercise"]
threshold = impostor.mean()

share = np.mean(impostor >= threshold)
print(f"{1000 * share:.2f} / 1000   {np.mean(genuine >= threshold):.2f}")
check(
    share,
    0.001,
    en="Too many impostors per 1,000? Raise the threshold; too few? Lower it.",
    pt="Impostores demais em cada 1.000? Suba o limiar; de menos? Baixe-o.",
    tolerance=0.0001,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `np.quantile(values, p)` is the value below which a share p lies.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `np.quantile(valores, p)` é o valor abaixo do qual fica uma proporção p.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
threshold = np.quantile(impostor, 0.999)
share = np.mean(impostor >= threshold)
print(f"{1000 * share:.2f} / 1000   {np.mean(genuine >= threshold):.2f}")
check(share, 0.001, tolerance=0.0001)

# %% [markdown] lang="en"
# The last number is the share of genuine pairs that still pass: safety costs the rest. Lesson 05
# puts intervals around both.
#
# ## Quiz
#
# <details><summary>1. Model A gives two photos 0.8, model B 0.6. Is A surer?</summary>
#
# That cannot be told. Each score means something only against its own model's impostors.
# </details>
# <details><summary>2. Unit vectors, ranked by distance instead of cosine: what changes?</summary>
#
# Nothing: ‖u − v‖² = 2 − 2cos falls exactly when the cosine rises.
# </details>
# <details><summary>3. Random directions, d = 400: which standard deviation?</summary>
#
# 1/√400 = 0.05.
# </details>
#
# ## Remember
# - The cosine sees direction, not length; between unit vectors it is the dot product.
# - Chance scores 0, with standard deviation 1/√d; embeddings spread wider, and a shared direction may
#   shift them.
# - A score is high or low against its own model's impostors.
# - d′ measures how well genuine and impostor scores separate.
#
# **Next:** lesson 04 finds the nearest neighbours and shows the matches.
#
# ## References
# - [scikit-learn: cosine similarity](https://scikit-learn.org/stable/modules/metrics.html)
# - J. Johnson, M. Douze, H. Jégou (2021).
#   [Billion-scale similarity search with GPUs](https://arxiv.org/abs/1702.08734) (FAISS).
# - K. Ethayarajh (2019). [How contextual are contextualized word
#   representations?](https://arxiv.org/abs/1909.00512) (anisotropy).
# - J. Mu, P. Viswanath (2018). [All-but-the-top](https://arxiv.org/abs/1702.01417) (centring).
# - J. Daugman (2000).
#   [Biometric decision landscapes](https://www.cl.cam.ac.uk/techreports/UCAM-CL-TR-482.html) (d′).

# %% [markdown] lang="pt"
# O último número é a proporção de pares genuínos que ainda passam; os demais são o preço. A aula 05
# constrói intervalos para ambos.
#
# ## Questionário
#
# <details><summary>1. O modelo A dá 0,8 a duas fotos; o B, 0,6. O A tem mais certeza?</summary>
#
# Não dá para dizer. Um escore só tem sentido diante dos impostores do mesmo modelo.
# </details>
# <details><summary>2. Vetores unitários, ordenados por distância em vez de cosseno: o que
# muda?</summary>
#
# Nada: ‖u − v‖² = 2 − 2cos diminui exatamente quando o cosseno aumenta.
# </details>
# <details><summary>3. Direções aleatórias, d = 400: qual é o desvio padrão?</summary>
#
# 1/√400 = 0,05.
# </details>
#
# ## Para lembrar
# - O cosseno enxerga direção e sentido, não comprimento; entre vetores unitários, é o produto
#   escalar.
# - Ao acaso, o cosseno tem média 0 e desvio padrão 1/√d; os *embeddings* variam mais, e uma direção
#   comum pode deslocá-los.
# - Um escore é alto ou baixo diante dos impostores do mesmo modelo.
# - d′ mede o quanto os escores genuínos e impostores se separam.
#
# **A seguir:** a aula 04 encontra os vizinhos mais próximos e mostra as correspondências.
#
# ## Referências
# - [scikit-learn: similaridade do cosseno](https://scikit-learn.org/stable/modules/metrics.html)
# - J. Johnson, M. Douze, H. Jégou (2021).
#   [Billion-scale similarity search with GPUs](https://arxiv.org/abs/1702.08734) (FAISS).
# - K. Ethayarajh (2019). [How contextual are contextualized word
#   representations?](https://arxiv.org/abs/1909.00512) (anisotropia).
# - J. Mu, P. Viswanath (2018). [All-but-the-top](https://arxiv.org/abs/1702.01417) (centralização).
# - J. Daugman (2000).
#   [Biometric decision landscapes](https://www.cl.cam.ac.uk/techreports/UCAM-CL-TR-482.html) (d′).
